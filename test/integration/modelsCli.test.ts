/** `niwaki models`: importing without an editor. */
import * as assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyWithMetadata } from '../support/ggufEdit';
import { niwaki } from './cliProcess';
import { root } from './lspClient';

const nano = join(root, 'models', 'nano.gguf');

describe('integration: niwaki models', function () {
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki models é-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const models = (...args: string[]) => niwaki(['models', ...args, '--data', join(folder, 'data')]);

  it('imports, lists, inspects and removes', () => {
    assert.match(models('list').out, /No models are imported/);
    const file = join(folder, 'mine.gguf');
    copyFileSync(nano, file);
    const imported = models('import', file);
    assert.equal(imported.status, 0, imported.err);
    assert.match(imported.out, /^[0-9a-f]{16} {2}nano .* copy: nano .* \(its SHA-256 is the known one\)/);
    assert.match(models('import', file).out, /^Was imported before/);
    const other = join(folder, 'other.gguf');
    copyWithMetadata(nano, other, { 'test.comment': 'other' });
    assert.match(models('import', other, '--reference').out, /reference: claims to be nano/);
    const { models: listed } = JSON.parse(models('list', '--json').out) as {
      models: { id: string; kind: string }[];
    };
    assert.deepEqual(
      listed.map(({ kind }) => kind),
      ['copy', 'reference'],
    );
    const inspected = models('inspect', 'mine.gguf');
    assert.match(inspected.out, /Architecture: qwen3, context of 2048 tokens/);
    assert.match(inspected.out, /Memory with 2048 tokens/);
    rmSync(other);
    assert.match(models('list').out, /other\.gguf is not there any more/);
    assert.match(models('remove', listed[1]?.id ?? '').out, /Forgot/);
    assert.match(models('remove', 'mine.gguf').out, /Deleted .*mine\.gguf/);
    assert.deepEqual(readdirSync(join(folder, 'data', 'models')), []);
    assert.ok(existsSync(file));
  });

  it('says what is wrong', () => {
    assert.equal(models().status, 2);
    assert.equal(models('import').status, 2);
    const none = models('remove', 'nothing');
    assert.equal(none.status, 1);
    assert.match(none.err, /no imported model is called "nothing"/);
    const missing = models('import', join(folder, 'none.gguf'));
    assert.equal(missing.status, 1);
    assert.match(missing.err, /There is no file/);
  });
});
