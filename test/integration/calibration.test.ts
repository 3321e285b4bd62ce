/** KV codecs and calibrations in a server that works: what is chosen, what is kept, what is said. */
import * as assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InitializationOptions, KvDetails } from '#protocol';
import { shapeNamed, writeGguf } from '../support/ggufWriter';
import { LspClient, root, settings } from './lspClient';

const shipped = join(root, 'models', 'nano.kvc');
const uri = 'file:///w/src/list.ts';
const repetitive = `${Array.from({ length: 12 }, (_, i) => `items.push(new Item(${String(i)}));`).join('\n')}\n`;

async function kvOf(client: LspClient): Promise<KvDetails> {
  return (await client.modelInfo())?.kv ?? assert.fail('no model is loaded');
}

/** The built-in model is a small one: its careful layers are looked for, for half a minute at half of the threads. */
async function untilKept(folder: string): Promise<string> {
  const end = Date.now() + 150_000;
  for (;;) {
    const [name] = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.kvc')) : [];
    if (name !== undefined) {
      return join(folder, name);
    }
    assert.ok(Date.now() < end, 'kept in time');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function untilCalibrated(client: LspClient): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await kvOf(client)).calibration.startsWith('calibrated')) {
    assert.ok(Date.now() < end, 'calibrated in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('integration: the KV cache of a server', function () {
  this.timeout(200_000);
  let folder: string;
  let mine: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki kv é-'));
    mine = join(folder, 'mine.gguf');
    copyFileSync(join(root, 'models', 'nano.gguf'), mine);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const storage = (): string => join(folder, 'storage');
  async function start(options: Partial<InitializationOptions> = {}): Promise<LspClient> {
    const client = await LspClient.start({
      settings: { ...settings, modelPath: mine },
      storagePath: storage(),
      calibrateAfterSeconds: 0.05,
      ...options,
    });
    await client.ready();
    return client;
  }

  async function completes(client: LspClient): Promise<boolean> {
    await client.open(uri, `${repetitive}items.pu`);
    const items = await client.complete(uri, { line: 12, character: 8 });
    await client.close(uri);
    return items.length === 1;
  }

  it('calibrates a model when nobody needs it, keeps that, and finds it again', async () => {
    const first = await start();
    await untilCalibrated(first);
    assert.ok(await completes(first), 'and completes by it');
    const file = await untilKept(join(storage(), 'kv'));
    const { calibration, carefulLayers } = await kvOf(first);
    assert.match(calibration, /at 8 bits$/);
    await first.stop();
    // The same weights and the same text as those of the embedded model's.
    assert.deepEqual(readFileSync(file), readFileSync(shipped));
    const second = await start({ calibrateAfterSeconds: 3600 });
    const again = await kvOf(second);
    assert.deepEqual([again.calibration, again.carefulLayers], [calibration, carefulLayers]);
    await second.stop();
  });

  it('makes anew what is damaged, and works where nothing can be kept', async () => {
    const damaged = readFileSync(shipped).fill(7, 100, 200);
    const file = join(storage(), 'kv', `${readFileSync(shipped).toString('latin1', 20, 52)}.kvc`);
    mkdirSync(join(storage(), 'kv'), { recursive: true });
    writeFileSync(file, damaged);
    const second = await start({ calibrateAfterSeconds: 3600 });
    assert.match((await kvOf(second)).calibration, /^not calibrated/);
    assert.ok(!existsSync(file));
    await second.stop();
    rmSync(storage(), { recursive: true });
    writeFileSync(storage(), 'a file where the folder should be');
    const third = await start();
    await untilCalibrated(third);
    assert.ok(await completes(third));
    await third.stop();
  });

  it('writes nothing for the embedded model, which brings its own, nor when it is told of no folder', async () => {
    mkdirSync(storage());
    const embedded = await start({ settings });
    assert.match((await kvOf(embedded)).calibration, /^calibrated/);
    await embedded.stop();
    const without = await LspClient.start({ settings: { ...settings, modelPath: mine } });
    await without.ready();
    assert.match((await kvOf(without)).calibration, /^not calibrated/);
    await without.stop();
    assert.deepEqual(readdirSync(storage()), []);
  });

  it('is spared in quiet mode', async () => {
    const client = await start({ settings: { ...settings, modelPath: mine, quiet: 'always' } });
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.match((await kvOf(client)).calibration, /^not calibrated/);
    await client.configure({ modelPath: mine, quiet: 'off' });
    assert.ok(await completes(client));
    await untilCalibrated(client);
    await client.stop();
  });

  it('follows the settings: the codec, the memory, the context', async () => {
    const client = await start({ settings });
    const held: number[] = [];
    for (const kvCodec of ['f16', 'kv4'] as const) {
      await client.configure({ kvCodec });
      await client.until('reloaded', (status) => status.state === 'ready');
      while ((await client.modelInfo())?.kv.codec !== kvCodec) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await client.open(uri, `${repetitive.repeat(6)}items.pu`);
      assert.equal((await client.complete(uri, { line: 72, character: 8 })).length, 1, kvCodec);
      held.push((await client.status()).memory.kv);
      await client.close(uri);
    }
    assert.ok((held[1] ?? Infinity) < (held[0] ?? 0), `${String(held)}: kv4 takes less`);
    await client.configure({ kvMemoryMB: 2 });
    while ((await client.modelInfo())?.kv.budget !== 2 ** 21) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { context, summary, bytes } = await kvOf(client);
    assert.ok(context >= 256 && context < 2048 && bytes <= 2 ** 21, summary);
    assert.ok(summary.startsWith(`${String(context)} tokens (about `), summary);
    assert.ok(await completes(client));
    await client.stop();
  });

  it('keeps half precision for a model whose heads cannot be coded, and says so', async () => {
    writeGguf(mine, { shape: { ...shapeNamed('tiny'), heads: 8, headSize: 80 } });
    const client = await start();
    const { codec, note } = await kvOf(client);
    assert.equal(codec, 'f16');
    assert.match(note, /heads have 80 values/);
    assert.equal((await client.status()).problem, '');
    await client.stop();
    assert.ok(!existsSync(storage()));
  });
});
