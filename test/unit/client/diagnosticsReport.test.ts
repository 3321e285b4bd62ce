import type { ModelDetails } from '#protocol';
import * as assert from 'node:assert/strict';
import {
  diagnosticsReport,
  withoutFolders,
  type DiagnosticsInput,
} from '../../../client/src/ui/diagnosticsReport';

const input: DiagnosticsInput = {
  extensionVersion: '0.1.0',
  vscodeVersion: '1.106.0',
  nodeVersion: '22.0.0',
  platform: 'linux-x64',
  cpu: 'A CPU',
  cores: 2,
  memoryBytes: 8 * 2 ** 30,
  remote: '',
  trusted: true,
  settings: { 'model.path': '/home/alice/secret-client/models/big.gguf', 'engine.threads': 1 },
  status: undefined,
  model: null,
  lastPrompt: {
    uri: 'file:///home/alice/secret-client/src/merger.ts',
    text: 'const purchasePrice = 12_000_000;',
    tokens: 9,
    reused: 4,
    evaluated: 5,
    healed: 'purch',
    raw: 'purchasePrice',
    suggestion: 'asePrice',
    promptMs: 1.2,
    prefillMs: 3.4,
    decodeMs: 5.6,
  },
  problems: ['The model C:\\Users\\alice\\secret-client\\big.gguf could not be loaded: it is truncated.'],
};

describe('client: the diagnostics bundle', () => {
  const report = diagnosticsReport(input);

  it('has no source text, no document and no folder in it', () => {
    for (const secret of ['purch', 'merger', 'alice', 'secret-client', '12_000']) {
      assert.ok(!report.includes(secret), secret);
    }
  });

  it('has what helps', () => {
    const read = JSON.parse(report) as Record<string, Record<string, unknown> | undefined>;
    assert.equal(read['diagnosticsVersion'], 2);
    assert.equal(read['server'], 'not running');
    assert.equal(read['settingsThatDiffer']?.['engine.threads'], 1);
    assert.equal(read['settingsThatDiffer']['model.path'], '…/big.gguf');
    assert.equal(read['lastCompletion']?.['promptTokens'], 9);
    assert.match(report, /big\.gguf could not be loaded: it is truncated/);
  });

  it('says how the KV cache is stored, by what, and within what', () => {
    const kv = {
      codec: 'kv4',
      context: 2048,
      bytes: 4096 * 1024,
      budget: 2 ** 31,
      summary: '',
      note: '',
    } as const;
    const model = {
      path: '/home/alice/m.gguf',
      fileBytes: 1,
      weightBytes: 1,
      strategy: 'chat',
      strategyReason: 'The setting says so.',
      kv: { ...kv, calibration: 'calibrated on a text' },
    };
    const text = diagnosticsReport({ ...input, model: model as unknown as ModelDetails });
    const read = JSON.parse(text) as {
      model: { memory: object; contextUsed: number; kv: object; strategy: string };
    };
    assert.equal(read.model.strategy, 'chat. The setting says so.');
    assert.deepEqual(read.model.kv, { codec: 'kv4', calibration: 'calibrated on a text', note: '' });
    assert.equal(read.model.contextUsed, 2048);
    assert.match(JSON.stringify(read.model.memory), /"kvBudget":"2\.0 GiB","kvPerToken":"2\.0 KiB"/);
    assert.ok(!text.includes('alice'));
  });

  it('keeps of every path its last part', () => {
    assert.equal(
      withoutFolders('see /a/b/c.gguf, or \\\\server\\share\\x.gguf'),
      'see …/x.gguf', // without quotation marks nobody knows where the first one ends
    );
    assert.equal(
      withoutFolders('"/a/b/c.gguf" and "C:\\x y\\z.gguf" differ'),
      '"…/c.gguf" and "…/z.gguf" differ',
    );
    assert.equal(withoutFolders('file:///w/src/a.ts failed'), '…/a.ts failed');
    assert.equal(withoutFolders('~/models/x.gguf'), '…/x.gguf');
    for (const path of [
      '/home/jane/Jane Roe/Acme Merger Plans/m.gguf',
      'C:\\Users\\John Roe\\Acme Corp\\m.gguf',
      "/home/o'roe/Acme/m.gguf",
      '\\\\srv\\Acme share\\a Roe\\m.gguf',
      '~/My Acme/Roe/m.gguf',
      '${userHome}/Acme Corp/Roe/m.gguf',
      'file:///w/Acme Roe/m.gguf',
      'vscode-remote://ssh-remote+acme/home/Roe/m.gguf',
    ]) {
      for (const text of [path, `"${path}"`, `cannot read "${path}": gone`, `cannot read ${path}`]) {
        const clean = withoutFolders(text);
        assert.doesNotMatch(clean, /acme|roe|jane|john|merger|corp|srv/i, text);
        assert.ok(clean.includes('…/m.gguf'), `${text} became ${clean}`);
      }
    }
    assert.equal(withoutFolders('3/4 of the tokens, 12 tokens/s'), '3/4 of the tokens, 12 tokens/s');
  });
});
