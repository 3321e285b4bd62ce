import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bindingVersion } from '../../../server/src/engine/binding';
import { EngineError } from '../../../server/src/engine/port';
import { selfTest, SelfTestError } from '../../../server/src/engine/selfTest';

/**
 * The addon is played by small scripts whose tables crash, hang or compute wrongly; the child process, its supervision and the
 * fall-back are the real ones.
 */
describe('engine self-test', function () {
  this.timeout(60_000);
  let folder: string;
  let files = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki-selftest-'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** An addon with the tables best, middle and generic (and the reference), whose `selfTest(kernels)` has the given body. */
  function addon(
    selfTestBody: string,
    { version = bindingVersion, disallowed = [] as string[] } = {},
  ): string {
    files += 1;
    const path = join(folder, `addon${String(files)}.cjs`);
    const tables = ['best', 'middle', 'generic', 'oracle'].map((name) => ({
      name,
      needs: '',
      supported: true,
      allowed: !disallowed.includes(name),
    }));
    writeFileSync(
      path,
      `exports.bindingVersion = ${String(version)};
       exports.kernelTables = () => (${JSON.stringify(tables)});
       exports.selfTest = (kernels) => { ${selfTestBody} };`,
    );
    return path;
  }

  async function failure(promise: Promise<unknown>): Promise<EngineError> {
    try {
      await promise;
    } catch (error) {
      assert.ok(error instanceof EngineError, String(error));
      return error;
    }
    assert.fail('it passed');
  }

  it('takes the best table that passes', async () => {
    const report = await selfTest({ addonPath: addon('') });
    assert.equal(report.kernels, 'best');
    assert.deepEqual(report.failures, []);
    assert.equal(report.tables.length, 4);
  });

  it('falls to the next table when one crashes', async () => {
    const report = await selfTest({ addonPath: addon("if (kernels === 'best') process.abort();") });
    assert.equal(report.kernels, 'middle');
    assert.deepEqual(
      report.failures.map((f) => f.kernels),
      ['best'],
    );
    assert.match(report.failures[0]?.what ?? '', /SIGABRT/);
  });

  it('falls past an illegal instruction and a wrong result to the generic table', async () => {
    const body = `if (kernels === 'best') { process.kill(process.pid, 'SIGILL'); while (true); }
                  if (kernels === 'middle') throw new Error('row 3 is wrong');`;
    const report = await selfTest({ addonPath: addon(body) });
    assert.equal(report.kernels, 'generic');
    assert.match(report.failures[0]?.what ?? '', /SIGILL/);
    assert.equal(report.failures[1]?.what, 'row 3 is wrong');
  });

  it('gives up on a table that hangs', async () => {
    const addonPath = addon("if (kernels === 'best') while (true);");
    const report = await selfTest({ addonPath, timeoutMs: 3000 });
    assert.equal(report.kernels, 'middle');
    assert.match(report.failures[0]?.what ?? '', /did not answer within 3 s/);
  });

  it('says what happened to each table when all fail', async () => {
    const error = await failure(selfTest({ addonPath: addon("throw new Error('bad ' + kernels)") }));
    assert.equal(error.code, 'unsupported');
    for (const name of ['best', 'middle', 'generic']) {
      assert.ok(error.message.includes(`${name}: bad ${name}`), error.message);
    }
    assert.ok(!error.message.includes('oracle'), 'the reference table is never tried');
  });

  it('respects the tables that the environment allows', async () => {
    const report = await selfTest({ addonPath: addon('', { disallowed: ['best', 'middle'] }) });
    assert.equal(report.kernels, 'generic');
  });

  it('says what to do when no table is allowed', async () => {
    const addonPath = addon('', { disallowed: ['best', 'middle', 'generic'] });
    const error = await failure(selfTest({ addonPath }));
    assert.match(error.message, /NIWAKI_CPU/);
    assert.ok(error instanceof SelfTestError);
    assert.ok(
      error.tables.length > 2 && error.tables.every(({ allowed, name }) => !allowed || name === 'oracle'),
    );
  });

  it('tests a table that is asked for by name, and only that', async () => {
    const addonPath = addon("if (kernels !== 'middle') throw new Error('broken');");
    assert.equal((await selfTest({ addonPath }, 'middle')).kernels, 'middle');
    const error = await failure(selfTest({ addonPath }, 'generic'));
    assert.equal(error.code, 'unsupported');
    assert.match(error.message, /"generic" failed.*broken/);
  });

  it('refuses an addon of another interface version', async () => {
    const error = await failure(selfTest({ addonPath: addon('', { version: 999 }) }));
    assert.equal(error.code, 'unsupported');
    assert.match(error.message, /version 999/);
  });

  it('reports an addon that is no addon', async () => {
    const path = join(folder, 'garbage.node');
    writeFileSync(path, 'not a shared library');
    const error = await failure(selfTest({ addonPath: path }));
    assert.equal(error.code, 'unsupported');
    assert.match(error.message, /cannot be loaded/);
  });

  it('survives a child that ends without a word', async () => {
    const childPath = join(folder, 'silent.cjs');
    writeFileSync(childPath, "console.error('out of luck'); process.exit(7);");
    const error = await failure(selfTest({ addonPath: addon(''), childPath }));
    assert.match(error.message, /exit code 7: out of luck/);
  });

  it('survives a child that does not exist', async () => {
    const error = await failure(selfTest({ addonPath: addon(''), childPath: join(folder, 'nowhere.cjs') }));
    assert.equal(error.code, 'unsupported');
  });

  it('tries again after a failure', async () => {
    const addonPath = addon('');
    const childPath = join(folder, 'later.cjs');
    await failure(selfTest({ addonPath, childPath }));
    writeFileSync(
      childPath,
      "process.send({ kind: 'testing', kernels: 'generic', tables: [] }); process.send({ kind: 'passed' });",
    );
    assert.equal((await selfTest({ addonPath, childPath })).kernels, 'generic');
  });

  it('asks once in the life of the process', async () => {
    const addonPath = addon('');
    assert.equal(selfTest({ addonPath }), selfTest({ addonPath }));
    await selfTest({ addonPath });
  });
});
