/** What programs in the sandbox of the quality benchmark may do, and may not. */
import * as assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox } from '../../../bench/completion/quality/sandbox.mjs';

const kept = join(tmpdir(), `niwaki-sandbox-${String(process.pid)}`);
const fresh = `${kept}-new`;

function open(): Sandbox | undefined {
  try {
    return new Sandbox();
  } catch {
    return undefined;
  }
}

const why = 'where the means of programs cannot be limited (Linux, prlimit) none is run';

describe('quality: the sandbox', function () {
  this.timeout(60_000);
  const sandbox = open();

  before(() => {
    writeFileSync(kept, 'kept');
  });
  after(() => {
    rmSync(kept, { force: true });
    rmSync(fresh, { force: true });
  });

  const cases: readonly (readonly [string, boolean, string, string])[] = [
    [
      'runs what is right',
      true,
      'import math\nassert math.sqrt(4) == 2',
      'console.assert(Math.sqrt(4) === 2)',
    ],
    ['tells what is wrong', false, 'assert False', 'console.assert(false)'],
    ['tells what does not end well', false, 'raise ValueError()', 'throw new Error()'],
    [
      'writes no file',
      false,
      `open(${JSON.stringify(fresh)}, 'w')`,
      `require('fs').writeFileSync(${JSON.stringify(fresh)}, '')`,
    ],
    [
      'deletes no file',
      false,
      `import os\nos.remove(${JSON.stringify(kept)})`,
      `require('fs').rmSync(${JSON.stringify(kept)})`,
    ],
    [
      'starts no process',
      false,
      `import subprocess\nsubprocess.run(['true'])`,
      `require('child_process').execFileSync('true')`,
    ],
    [
      'does not take memory without end',
      false,
      'x = bytearray(3 << 30)',
      'const a = []; for (;;) { a.push(new Array(1e6).fill(a.length)); }',
    ],
  ];

  for (const [what, passes, python, javascript] of cases) {
    it(`${what}, in Python`, async function () {
      if (sandbox?.hasPython !== true) {
        console.log(`skipped: ${sandbox === undefined ? why : 'there is no python3'}`);
        this.skip();
      }
      assert.equal(await sandbox.python(python), passes);
      assert.deepEqual([existsSync(fresh), existsSync(kept)], [false, true]);
    });
    it(`${what}, in JavaScript`, async function () {
      if (sandbox === undefined) {
        console.log(`skipped: ${why}`);
        this.skip();
      }
      assert.equal(await sandbox.javascript(javascript), passes);
      assert.deepEqual([existsSync(fresh), existsSync(kept)], [false, true]);
    });
  }

  it('opens no connection where the system gives it no network', async function () {
    if (sandbox?.hasPython !== true) {
      console.log(`skipped: ${sandbox === undefined ? why : 'there is no python3'}`);
      this.skip();
    }
    assert.equal(await sandbox.python('import socket\nsocket.socket()'), false);
  });

  it('ends what goes on for ever', async function () {
    if (sandbox === undefined) {
      console.log(`skipped: ${why}`);
      this.skip();
    }
    assert.equal(await sandbox.javascript('for (;;);'), false);
  });
});
