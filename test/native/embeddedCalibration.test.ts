import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledText } from '../../server/src/models';
import { Bench, newJob, root } from './support';

/** Magic, version, three sizes; the fingerprint follows (native/src/kv/calibration.cc). */
const fingerprintAt = 20;
const numbersAt = fingerprintAt + 32;

describe('native engine: the calibration that ships with the embedded model', function () {
  this.timeout(60_000);
  let bench: Bench;
  const shipped = readFileSync(join(root, 'models', 'nano.kvc'));

  before(async () => {
    bench = await Bench.open();
  });
  after(async () => {
    await bench.engine.dispose();
  });

  it("is of this model's weights, and the engine takes it", async () => {
    const { engine, model, info } = bench;
    assert.equal(shipped.subarray(fingerprintAt, numbersAt).toString('latin1'), info.fingerprint);
    assert.equal(await engine.useKvCalibration(model, shipped), 'text');
  });

  it('is what the generator makes of the text that ships beside it', async () => {
    const { engine, model, info } = bench;
    const { calibrate } = await bundledText(root);
    const tokens = (await bench.tokenize(calibrate)).slice(0, info.contextLength);
    const { bytes } = await engine.calibrateKv({ model, job: newJob(), tokens }, () => undefined);
    const made = Buffer.from(bytes);
    assert.equal(made.length, shipped.length);
    assert.deepEqual(made.subarray(0, numbersAt), shipped.subarray(0, numbersAt));
    // Kernels agree bit for bit; a compiler's own exp or sqrt may not.
    const again = 'run "node scripts/make-nano-calibration.mjs" after a change of the model or the text';
    for (let at = numbersAt; at < made.length - 4; at += 4) {
      const [a, b] = [made.readFloatLE(at), shipped.readFloatLE(at)];
      assert.ok(Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b)), `${String(a)}, ${String(b)}: ${again}`);
    }
  });

  it('has two texts, long enough to calibrate and to measure, that share no line of any length', async () => {
    const { calibrate, measure } = await bundledText(root);
    for (const text of [calibrate, measure]) {
      assert.ok((await bench.tokenize(text)).length >= 2000);
    }
    const long = (text: string): string[] => text.split('\n').filter((line) => line.trim().length > 20 && !line.startsWith('=== '));
    const seen = new Set(long(calibrate));
    assert.deepEqual(
      long(measure).filter((line) => seen.has(line)),
      [],
    );
  });
});
