import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import { selfTest, type SelfTestReport } from '../../server/src/engine/selfTest';
import { addonPath, loadBinding, median, modelPath, needAddon, root } from './support';

/** With the real addon and the child as it is shipped: bundled, run by plain Node. */
describe('native engine: self-test before first use', function () {
  this.timeout(60_000);
  let folder: string;
  let childPath: string;

  before(async () => {
    needAddon();
    folder = mkdtempSync(join(tmpdir(), 'niwaki-selftest-'));
    childPath = join(folder, 'selfTestChild.js');
    await build({
      entryPoints: [join(root, 'server/src/engine/selfTestChild.ts')],
      outfile: childPath,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Tables that may be chosen here, best first. */
  function tables(): string[] {
    return loadBinding()
      .kernelTables()
      .filter((table) => table.supported && table.allowed && table.name !== 'oracle')
      .map((table) => table.name);
  }

  it('passes every table that this machine supports', () => {
    const binding = loadBinding();
    for (const name of tables()) {
      binding.selfTest(name);
    }
    assert.throws(() => {
      binding.selfTest('abacus');
    });
  });

  it('is quick', async () => {
    const times: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      // A path of its own each time: answers are kept.
      const script = join(folder, `copy${String(i)}.cjs`);
      writeFileSync(script, `require(${JSON.stringify(childPath)});`);
      const report = await selfTest({ addonPath, childPath: script });
      assert.equal(report.kernels, tables()[0]);
      assert.deepEqual(report.failures, []);
      times.push(report.ms);
    }
    console.log(
      `      self-test: median ${median(times).toFixed(0)} ms, best ${Math.min(...times).toFixed(0)} ms`,
    );
    assert.ok(Math.min(...times) < 1000);
  });

  it('falls to the next table when the best one crashes, and the engine uses that one', async function () {
    const [best, next] = tables();
    if (best === undefined || next === undefined) {
      this.skip();
    }
    // The shipped child, with an addon that dies in the best table's test.
    const crashing = join(folder, 'crashing.cjs');
    writeFileSync(
      crashing,
      `const task = JSON.parse(process.argv[2]);
       const addon = require(task.addonPath);
       const original = addon.selfTest;
       addon.selfTest = (kernels) => { if (kernels === ${JSON.stringify(best)}) process.abort(); original(kernels); };
       require(${JSON.stringify(childPath)});`,
    );
    let report: SelfTestReport | undefined;
    const engine = createNativeEngine({
      addonPath,
      selfTestChild: crashing,
      onSelfTest: (given) => {
        report = given;
      },
    });
    const { info } = await engine.load({ path: modelPath });
    assert.equal(info.kernels, next);
    assert.equal(report?.kernels, next);
    assert.deepEqual(
      report.failures.map((failure) => failure.kernels),
      [best],
    );
    assert.match(report.failures[0]?.what ?? '', /crashed/);
    const listed = await engine.kernelTables();
    assert.equal(listed.find((table) => table.name === best)?.supported, false);
    await engine.dispose();
  });
});
