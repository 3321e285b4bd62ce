/** An hour of editing, as fast as the answers come: what goes wrong, what grows, what does not stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from './latency.mjs';
import { LiveReplay } from './live.mjs';
import { residentBytes, withServer } from './server.mjs';

/** Keystrokes between two looks at the server. */
const lookEvery = 100;
/** A request that was taken back has to be answered within, and its run ended: milliseconds. */
const stopsWithin = 1000;
/** Share of memory. */
const mayChange = 0.05;

const median = (values) => percentile(values, 0.5);

/**
 * Memory when caches have filled, the KV caches among them (16 contexts, models/budget.ts), and at the end: medians of the looks in the fifth
 * tenth, and in the last one. `early`: when each kind of thing has been done once.
 */
function memoryOf(looks) {
  const part = (from, to) => looks.slice(Math.floor(from * looks.length), Math.ceil(to * looks.length));
  const early = median(part(0.05, 0.1).map(({ resident }) => resident));
  const warm = median(part(0.4, 0.5).map(({ resident }) => resident));
  const end = median(part(0.9, 1).map(({ resident }) => resident));
  const kv = median(part(0.9, 1).map((look) => look.kv));
  return {
    early,
    warm,
    end,
    kv,
    change: end / warm - 1,
    peak: Math.max(...looks.map(({ resident }) => resident)),
  };
}

/** Until no job is left of the replay. Resolves with those that are still there after a while. */
async function leftJobs(client) {
  for (const end = Date.now() + stopsWithin; ; await sleep(20)) {
    const { jobs } = await client.status();
    const left = jobs.filter(({ priority }) => priority === 'keystroke');
    if (left.length === 0 || Date.now() > end) {
      return left;
    }
  }
}

/** @param {{ events: object[] }} recording @param {{ log: (text: string) => void, acceptShare?: number }} options */
export async function replayHour(recording, { log, ...options }) {
  const looks = [];
  const violations = [];
  return withServer({}, async (client) => {
    client.connection.onNotification('window/logMessage', ({ type, message }) => {
      if (type === 1) {
        violations.push(`the server logged an error: ${message}`);
      }
    });
    const replay = new LiveReplay(client, recording, {
      ...{ ...options, realTime: false, phases: false },
      onKey: async (keys) => {
        if (keys % lookEvery !== 0) {
          return;
        }
        const { jobs, memory } = await client.status();
        looks.push({ resident: await residentBytes(client), kv: memory.kv, jobs });
        const running = jobs
          .filter(({ priority }) => priority === 'keystroke')
          .reduce((sum, job) => sum + job.running + job.paused + job.waiting, 0);
        if (running > 2) {
          violations.push(`${running} runs at once: those that were taken back go on`); // one that ends, one that begins
        }
        if (keys % 1000 === 0) {
          const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
          log(
            `hour: ${keys} keys, ${mib(looks.at(-1).resident)} MiB, of which ${mib(memory.kv)} are KV caches`,
          );
        }
      },
    });
    const started = performance.now();
    await replay.run().catch((error) => violations.push(error.message));
    const seconds = (performance.now() - started) / 1000;
    const left = await leftJobs(client);
    if (left.length > 0) {
      violations.push(`runs go on after the end: ${JSON.stringify(left)}`);
    }
    const taken = replay.requests.filter(({ cut }) => cut);
    const slow = taken.filter(({ stoppedMs }) => !(stoppedMs <= stopsWithin));
    if (slow.length > 0) {
      violations.push(`${slow.length} requests that were taken back had no answer within ${stopsWithin} ms`);
    }
    const memory = memoryOf(looks);
    if (!(Math.abs(memory.change) <= mayChange)) {
      violations.push(`memory changed by ${(100 * memory.change).toFixed(1)} %`);
    }
    const { counters } = await client.status();
    const stopped = taken.map(({ stoppedMs }) => stoppedMs);
    return {
      ...{ minutes: recording.events.at(-1).t / 60_000, seconds, ...replay.editor.figures },
      ...{ requests: replay.requests.length, takenBack: taken.length, memory, counters, violations },
      stopMs: { p95: percentile(stopped, 0.95), worst: Math.max(0, ...stopped) },
    };
  });
}
