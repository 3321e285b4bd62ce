/**
 * What bench/lean.mjs measures: memory and processor time of the server as it is built, over LSP. Linux only (/proc).
 *
 *   node --import tsx bench/lean/measure.mjs OUTPUT IDLE_SECONDS LARGE_MODEL
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// By require: the tests' sources are CommonJS.
const { LspClient, settings } = createRequire(import.meta.url)('../../test/integration/lspClient.ts');

const uri = 'file:///w/src/list.ts';
const lines = Array.from({ length: 12 }, (_, i) => `items.push(new Item(${String(i)}));`).join('\n');

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const tickMs = 10; // USER_HZ is 100 on every Linux that Node runs on

function processTicks(pid) {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function wakeUps(pid) {
  return readdirSync(`/proc/${String(pid)}/task`)
    .map((thread) => readFileSync(`/proc/${String(pid)}/task/${thread}/status`, 'utf8'))
    .map((status) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]))
    .reduce((sum, count) => sum + count, 0);
}

const megabytes = (bytes) => Math.round(bytes / 1e5) / 10;

/** A completion, and what the status says when its figures have settled. */
async function complete(client) {
  await client.open(uri, `${lines}\nitems.pu`);
  await client.complete(uri, { line: 12, character: 8 });
  const status = await client.status();
  await client.close(uri);
  return status;
}

async function memoryOf(model, modelPath) {
  const completion = { ...settings.completion, maxTokens: 2 };
  const client = await LspClient.start({ settings: { ...settings, modelPath, completion } });
  const started = performance.now();
  await client.ready();
  const loadMs = performance.now() - started;
  const { memory } = await complete(client);
  await client.configure({ modelPath, completion, unloadAfterMinutes: 0.005 });
  const asleep = await client.until('asleep', (status) => status.state === 'asleep');
  const result = {
    model,
    loadMs,
    weights: megabytes(memory.weights),
    scratch: megabytes(memory.scratch),
    kv: megabytes(memory.kv),
    loaded: megabytes(memory.process),
    unloaded: megabytes(asleep.memory.process),
  };
  await client.stop();
  return result;
}

/** Resident megabytes with the large model, each time after it has taken turns with the built-in one. */
async function switching(modelPath, times) {
  const completion = { ...settings.completion, maxTokens: 2 };
  const client = await LspClient.start({ settings: { ...settings, completion } });
  const held = [];
  for (let i = 0; i <= times; i += 1) {
    for (const path of [modelPath, '']) {
      await client.configure({ modelPath: path, completion });
      await client.ready();
      await client.until('loaded', (s) => s.state === 'ready' && s.embedded === (path === ''));
      const { memory } = await complete(client);
      if (path !== '') {
        held.push(megabytes(memory.process));
      }
    }
  }
  await client.stop();
  return held;
}

async function measure(idleSeconds, large) {
  const began = performance.now();
  const client = await LspClient.start();
  const startMs = performance.now() - began;
  const atRest = megabytes((await client.status()).memory.process);
  await client.ready();
  await complete(client);
  const pid = client.child.pid ?? NaN;
  const settled = processTicks(pid);
  await wait(11_000);
  const before = { ticks: processTicks(pid), wakeUps: wakeUps(pid) };
  await wait(idleSeconds * 1000);
  const after = { ticks: processTicks(pid), wakeUps: wakeUps(pid) };
  await client.stop();
  return {
    startMs,
    atRest,
    models: [await memoryOf('built-in', ''), await memoryOf('1.7B shape', large)],
    switches: await switching(large, 10),
    idleSeconds,
    idleCpuPercent: ((after.ticks - before.ticks) * tickMs) / (idleSeconds * 10),
    idleWakeUps: after.wakeUps - before.wakeUps,
    settlingMs: (before.ticks - settled) * tickMs,
  };
}

const [output, idleSeconds, large] = process.argv.slice(2);
// A LspClient lets its process end whenever that has nothing else to do.
const staying = setInterval(() => undefined, 60_000);
void measure(Number(idleSeconds), large).then((lean) => {
  writeFileSync(output, JSON.stringify(lean, null, 2));
  clearInterval(staying);
});
