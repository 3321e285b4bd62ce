/**
 * From nothing to ready with the 8B file in the system's cache: a process of its own each time, its start and the loading of
 * JavaScript left out for both. Ours includes the self-test of the kernels in a child process, the peer's getLlama, loadModel
 * and createContext. Memory is counted from what the process held before.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { median } from '../figures.mjs';

async function intoCache(path) {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 22 })) {
    void chunk;
  }
}

/** Peak and what stays, in bytes beyond what there was before; null where the system does not tell. */
function memoryOf({ base, loaded, ready }) {
  return base === null || loaded === null
    ? null
    : {
        peak: loaded.peak - base.resident,
        resident: loaded.resident - base.resident,
        withSession: ready.resident - base.resident,
      };
}

export async function load({ engines, models, rounds }, report) {
  const path = models.synthetic('qwen3-8B');
  const fileBytes = (await stat(path)).size;
  const options = { path, contextSize: 1024 };
  await intoCache(path);
  const start = {
    ours: async () => {
      const child = engines.ours();
      await child.ask('memory');
      return child;
    },
    peer: async () => {
      const child = engines.peer();
      await child.ask('start');
      return child;
    },
  };
  const runs = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours']) {
      const child = await start[name]();
      runs[name].push(await child.ask('ready', options));
      await engines.close(child);
    }
  }
  const ms = Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, all.map((run) => run.ms)]));
  const ratio = median(ms.ours) / median(ms.peer);
  report.row({
    ...{ model: '8b', what: 'load', unit: 'ms', kernels: runs.ours[0].kernels },
    ...{ ours: median(ms.ours), oursAll: ms.ours, peer: median(ms.peer), peerAll: ms.peer, ratio },
    settings: `${Math.round(median(runs.ours.map((run) => run.selfTestMs)))} ms of ours are the self-test`,
  });
  report.bar('load-8b', ratio);

  const memories = {
    ours: runs.ours.map(memoryOf),
    peer: runs.peer.map(memoryOf),
  };
  if (memories.ours[0] === null) {
    return; // no /proc, nothing to say
  }
  for (const [what, limit] of [
    ['peak', 1.1],
    ['resident', 1.05],
    ['withSession', undefined],
  ]) {
    const of = (name) => median(memories[name].map((one) => one[what])) / fileBytes;
    const names = {
      peak: 'peak while loading',
      resident: 'held when loaded',
      withSession: 'held when ready',
    };
    report.row({
      ...{ model: '8b', what: names[what], unit: 'x file', ours: of('ours'), peer: of('peer') },
      ...(limit !== undefined && { limit, holds: of('ours') <= limit }),
    });
  }
}
