import type { ListedModel, ModelReport } from '#protocol';
import * as assert from 'node:assert/strict';
import { modelPage } from '../../../client/src/ui/modelPage';
import { knownInWords, modelItem, type Texts } from '../../../client/src/ui/modelWords';

/** As VS Code fills texts in that nobody has translated. */
const l10n: Texts = {
  t: (...[message, ...values]: unknown[]) =>
    String(message).replace(/\{(\d)\}/g, (_, n: string) => String(values[Number(n)])),
};

const model: ListedModel = {
  id: '0123456789abcdef',
  kind: 'copy',
  name: 'Bonsai 8B',
  path: '/storage/models/0123456789abcdef-Bonsai.gguf',
  bytes: 1_158_654_496,
  parameters: 8_190_000_000,
  known: { match: 'exact', id: 'bonsai', name: 'Bonsai 8B', licence: 'Apache-2.0', notes: 'By PrismML.' },
  problem: '',
  roles: ['completion', 'chat'],
};
const report: ModelReport = {
  model,
  refused: '',
  architecture: 'qwen3',
  formats: [
    { type: 'Q1_0', tensors: 253, bytes: 1_150_000_000 },
    { type: 'F|32', tensors: 145, bytes: 1_200_000 },
  ],
  contextLength: 65_536,
  layers: 36,
  licence: 'apache-2.0',
  chatTemplate: true,
  fillIn: 'Not known yet.',
  memory: [
    { tokens: 8192, codec: 'kv4', weights: 2 ** 30, kv: 2 ** 28, scratch: 2 ** 20 },
    { tokens: 32_768, codec: 'kv4', weights: 2 ** 30, kv: 2 ** 30, scratch: 2 ** 20 },
  ],
  speed: { prefill: 41.2, decode: 7.4, threads: 4, kernels: 'avx2', measuredAt: 1 },
  sha256: 'ab'.repeat(32),
  importedAt: 1,
};

describe('client: the page of a model', () => {
  const page = modelPage(l10n, report, 'en');

  it('says what it is, what it takes and how fast it is here', () => {
    assert.match(page, /^# Bonsai 8B\n/);
    assert.match(page, /Role: completions, chat\n/);
    assert.match(page, /- Kept as: copy, 1\.1 GiB/);
    assert.ok(page.includes(`SHA-256: ${'ab'.repeat(32)}`) && page.includes(model.path));
    assert.match(
      page,
      /Verified when it was imported: the SHA-256 is that of Bonsai 8B\n- Licence, by the catalogue: Apache-2\.0\n- By PrismML\./,
    );
    assert.match(page, /qwen3, 36 layers, 8,190 million weights/);
    assert.match(page, /- Context: 65,536 tokens/);
    assert.match(page, /- Chat template: yes/);
    assert.match(page, /- Text at the cursor: Not known yet\./);
    assert.match(page, /\| 32,768 tokens \| 1\.0 GiB \|\s+1\.0 GiB \(kv4\) \|\s+1\.0 MiB \|\s+2\.0 GiB \|/);
    assert.match(page, /- Reading: 41 tokens\/s\n- Writing: 7\.4 tokens\/s\n- Measured .* avx2, 4 threads/);
  });

  it('has tables whose columns line up, whatever a file calls its formats', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('|'));
    const [head, ...formats] = rows.slice(0, 4);
    assert.ok(formats.every((line) => line.length === head?.length));
    assert.ok(rows.some((line) => line.includes('F\\|32')));
  });

  it('says that a file is gone or refused, and what is still known of it', () => {
    const problem = 'The file is not there any more.';
    const gone = modelPage(
      l10n,
      {
        ...report,
        model: { ...model, problem, kind: 'reference', roles: [] },
        ...{ refused: 'cannot open', formats: [], memory: [], speed: null },
      },
      'en',
    );
    assert.match(
      gone,
      /- Role: none\n- Attention: The file is not there any more\.\n- It cannot be used: cannot open/,
    );
    assert.match(gone, /- Not measured yet/);
    assert.ok(!gone.includes('## Memory') && gone.includes('SHA-256'));
  });

  it('lists a model with what it is known as, or with what is wrong', () => {
    assert.deepEqual(modelItem(l10n, model), {
      label: 'Bonsai 8B',
      description: 'copy · 1.1 GiB · completions · chat',
      detail: `Verified when it was imported: the SHA-256 is that of Bonsai 8B · ${model.path}`,
    });
    assert.deepEqual(modelItem(l10n, { ...model, problem: 'It is gone.' }).detail, 'It is gone.');
    assert.match(knownInWords(l10n, { ...model.known, match: 'claims' }), /nothing proves it/);
  });
});
