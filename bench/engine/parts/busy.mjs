/**
 * An editor's machine is busy: tokens per second with one busy process a core beside two threads of the engine, as a share of
 * what the scheduler owes it. Each core is shared by two that want all of it, so half of what it does alone is fair.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cores, decodeTrial, freshPrompt, settingsText, speed } from '../engines.mjs';
import { median } from '../figures.mjs';

const fairShare = 0.5;
const hasTaskset = () => spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** A busy process a core, each on a core of its own where the system can pin them. */
function spin(pinned) {
  // Ends by itself, should the benchmark be killed.
  const loop = [process.execPath, '-e', 'for (const end = Date.now() + 120_000; Date.now() < end; );'];
  return Array.from({ length: cores }, (_, core) => {
    const [program, ...args] = pinned ? ['taskset', '-c', String(core), ...loop] : loop;
    return spawn(program, args, { stdio: 'ignore' });
  });
}

/** An engine that crawls is cut off after this. */
const limitMs = 8000;

export async function busy({ engines, models, quick, rounds }, report) {
  const path = models.synthetic('qwen3-1.7B');
  const contextSize = 512;
  const ours = await engines.oursWith({ path, contextSize, threads: 2 });
  const peer = await engines.peerWith(path, contextSize, decodeTrial(8));
  // What is compared is two threads; the trial only chose whether flash attention serves.
  await peer.ask('configure', { ...peer.settings, threads: 2 });
  const pinned = hasTaskset();
  const tokens = freshPrompt(32);
  const count = quick ? 64 : 128;
  const decode = async (child) =>
    speed(
      await child.ask('decode', {
        tokens,
        count: child === peer ? count / 4 : count,
        clock: 'engine',
        limitMs,
      }),
    );
  const runs = { oursAlone: [], peerAlone: [], oursBusy: [], peerBusy: [] };
  await decode(ours);
  await decode(peer);
  for (let round = 0; round < rounds; round += 1) {
    runs.oursAlone.push(await decode(ours));
    runs.peerAlone.push(await decode(peer));
    const spinning = spin(pinned);
    try {
      await new Promise((resolve) => setTimeout(resolve, 300)); // until all of them run
      runs.oursBusy.push(await decode(ours));
      runs.peerBusy.push(await decode(peer));
    } finally {
      for (const child of spinning) {
        child.kill('SIGKILL');
      }
      await Promise.all(spinning.map((child) => new Promise((resolve) => child.once('close', resolve))));
    }
  }
  const middle = Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, median(all)]));
  const share = {
    ours: middle.oursBusy / (middle.oursAlone * fairShare),
    peer: middle.peerBusy / (middle.peerAlone * fairShare),
  };
  report.row({
    ...{ model: '1.7b', what: 'decode, busy neighbours', unit: 'tok/s', kernels: ours.kernels },
    ...{ ours: middle.oursBusy, oursAll: runs.oursBusy, peer: middle.peerBusy, peerAll: runs.peerBusy },
    ...{ ratio: middle.oursBusy / middle.peerBusy, alone: middle },
    settings: `2 threads; ${settingsText({ ...peer.settings, threads: 2 })}`,
  });
  report.row({
    ...{ model: '1.7b', what: 'share of the fair share', unit: 'x', kernels: ours.kernels },
    ...{ ours: share.ours, peer: share.peer },
  });
  report.bar(
    'busy-1.7b',
    share.ours,
    `llama.cpp ${share.peer.toFixed(2)}x; ${cores} busy processes, ${pinned ? 'one pinned to each core' : 'not pinned (no taskset)'}`,
  );
}
