/** The first thing that people run: the terminal part of `npm start`. */
import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './lspClient';

describe('integration: npm start', function () {
  this.timeout(60_000);

  function start(...args: string[]): { status: number | null; out: string; err: string } {
    const script = join(root, 'scripts', 'start.mjs');
    const result = spawnSync(process.execPath, [script, '--once', ...args], {
      cwd: root,
      encoding: 'utf8',
      timeout: 50_000,
    });
    return { status: result.status, out: result.stdout, err: result.stderr };
  }

  it('shows completions of a real project, with what they took', () => {
    const { status, out, err } = start('--count', '2');
    assert.equal(status, 0, err);
    assert.match(out, /million 1-bit weights, kernels \w+, \d+ threads/);
    assert.equal(out.match(/\d+ ms · /g)?.length, 4);
    assert.match(out, /Exactly what the file has: \d of 4\. Median latency: \d+ ms/);
  });

  it('says why a model cannot be shown', () => {
    const { status, err } = start('--model', '/nowhere/model.gguf');
    assert.equal(status, 1);
    assert.match(err, /\/nowhere\/model\.gguf/);
  });
});
