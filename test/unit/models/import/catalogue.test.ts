import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimOf, judge, readCatalogue, type CatalogueEntry, type FileFacts } from '../../../../server/src/models';
import { root } from '../../../tidy/files';
import { bonsai, sha256Of } from './support';

const real: FileFacts = {
  fileName: 'Bonsai-8B-Q1_0.gguf',
  bytes: 8,
  name: 'Bonsai 8B',
  architecture: 'qwen3',
  parameters: 12_800,
};
const other = sha256Of('something else');
const known = bonsai.file.sha256 ?? '';

describe('models: the catalogue', () => {
  it('knows a file by its hash, whatever it is called', () => {
    for (const facts of [real, { ...real, fileName: 'mine.gguf', name: '' }]) {
      const { match, entry, problem } = judge([bonsai], facts, known);
      assert.deepEqual([match, entry?.id, problem], ['exact', 'bonsai', '']);
    }
  });

  it('refuses a file with the name of a known one and another hash, and says both', () => {
    const { problem } = judge([bonsai], real, other);
    assert.match(problem, /not the file that it claims to be/);
    assert.ok(problem.includes(known) && problem.includes(other));
  });

  it('refuses a renamed one of the very same size', () => {
    assert.notEqual(judge([bonsai], { ...real, fileName: 'renamed.gguf' }, other).problem, '');
  });

  it('refuses another size under the known name before the file is read', () => {
    const { problem } = claimOf([bonsai], { ...real, fileName: 'BONSAI-8b-q1_0.GGUF', bytes: 9 });
    assert.match(problem, /has 8 bytes, this file 9/);
  });

  it('says of a file that looks like a known one that it claims to be it', () => {
    const { match, entry, problem } = judge([bonsai], { ...real, fileName: 'Bonsai-8B.gguf', bytes: 9 }, other);
    assert.deepEqual([match, entry?.id, problem], ['claims', 'bonsai', '']);
  });

  it('does not let a name alone pass for a model of another shape', () => {
    const facts = { ...real, fileName: 'x.gguf', bytes: 9, parameters: 20_000 };
    assert.equal(judge([bonsai], facts, other).match, 'unknown');
    assert.equal(judge([bonsai], { ...facts, parameters: 12_800, architecture: 'llama' }, other).match, 'unknown');
  });

  it('never refuses by a model whose hash nobody knows', () => {
    const { file, ...rest } = bonsai;
    const unhashed: CatalogueEntry = { ...rest, file: { name: file.name, bytes: file.bytes, exact: false } };
    assert.deepEqual(judge([unhashed], { ...real, bytes: 9 }, other), {
      match: 'claims',
      entry: unhashed,
      problem: '',
    });
  });

  it('that ships has an entry for each model, with a licence, and hashes of the right shape where it has any', async () => {
    const entries = await readCatalogue(root);
    assert.ok(entries.length >= 4);
    for (const { file, licence, notes } of entries) {
      assert.ok(licence !== '' && notes !== '');
      assert.match(file.sha256 ?? '0'.repeat(64), /^[0-9a-f]{64}$/);
    }
    const nano = readFileSync(join(root, 'models', 'nano.gguf'));
    assert.deepEqual(entries[0]?.file, { name: 'nano.gguf', bytes: nano.length, exact: true, sha256: sha256Of(nano) });
  });
});
