import * as assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KvQuality } from '../../server/src/engine';
import { bundledText } from '../../server/src/models';
import { Bench, newJob, root } from './support';

/** Magic, version, three sizes; the fingerprint follows (native/src/kv/calibration.cc). */
const fingerprintAt = 20;
const numbersAt = fingerprintAt + 32;

describe('native engine: the calibration that ships with the embedded model', function () {
  this.timeout(180_000); // careful layers take 20 seconds on two cores
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
    const { source, carefulLayers } = await engine.useKvCalibration(model, shipped);
    assert.equal(source, 'text');
    assert.ok(carefulLayers > 0 && carefulLayers <= info.layers / 4);
  });

  it('is what the generator makes of the text that ships beside it', async () => {
    const { engine, model, info } = bench;
    const { calibrate } = await bundledText(root);
    const tokens = (await bench.tokenize(calibrate)).slice(0, info.contextLength);
    const request = { model, job: newJob(), tokens, careful: true };
    const { bytes } = await engine.calibrateKv(request, () => undefined);
    const made = Buffer.from(bytes);
    assert.equal(made.length, shipped.length);
    assert.deepEqual(made.subarray(0, numbersAt), shipped.subarray(0, numbersAt));
    // Kernels agree bit for bit; a compiler's own exp or sqrt may not.
    const again = 'run "node scripts/make-nano-calibration.mjs" after a change of the model or the text';
    const layersAt = made.length - 4 - info.layers; // one byte each, then the checksum
    assert.deepEqual(made.subarray(layersAt, -4), shipped.subarray(layersAt, -4), again);
    for (let at = numbersAt; at < layersAt; at += 4) {
      const [a, b] = [made.readFloatLE(at), shipped.readFloatLE(at)];
      assert.ok(Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b)), `${String(a)}, ${String(b)}: ${again}`);
    }
  });

  it('brings kv4 nearer to half precision on texts that it was not made from', async () => {
    const { engine, model, info } = bench;
    const { calibrate } = await bundledText(root);
    const own = (await bench.tokenize(calibrate)).slice(0, info.contextLength);
    const { bytes: plain } = await engine.calibrateKv({ model, job: newJob(), tokens: own }, () => undefined);
    for (const folder of ['client/src', 'native/src/engine']) {
      const sources = readdirSync(join(root, folder))
        .filter((name) => /\.(ts|cc)$/.test(name) && !calibrate.includes(`=== ${folder}/${name}`))
        .map((name) => readFileSync(join(root, folder, name), 'utf8'));
      const tokens = (await bench.tokenize(sources.join(''))).slice(0, info.contextLength);
      const measure = async (bytes: Uint8Array): Promise<KvQuality> => {
        await engine.useKvCalibration(model, bytes);
        return engine.measureKv({ model, job: newJob(), tokens, codec: 'kv4' }, () => undefined);
      };
      const [without, by] = [await measure(plain), await measure(shipped)];
      const words = ({ meanKl, top1Clear }: KvQuality): string => `${meanKl.toFixed(5)}, ${top1Clear.toFixed(4)}`;
      console.log(`      ${folder}: mean KL and same token where clear ${words(by)}; without careful layers ${words(without)}`);
      assert.ok(by.meanKl < without.meanKl / 3 && by.meanKl < 0.001);
      assert.ok(by.top1Clear > without.top1Clear && by.top1Clear >= 0.997);
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
