/**
 * Writing on at depth 0: a prompt of 32 tokens, then single tokens. The peer is measured by two clocks: node-llama-cpp as its
 * users have it, with its JavaScript loop, and llama.cpp alone (output head included, nothing sampled). The bars take whichever
 * is faster; ours is the product's path, sampling and JavaScript included.
 */
import { median, takeTurns } from '../figures.mjs';
import { cores, decodeTrial, freshPrompt, peerThreads, settingsText, Short, speed } from '../engines.mjs';

/** Tokens a measurement: enough for a second or more of the peer's time, and a few megabytes of logits no more. */
const models = [
  { size: '1.7b', shape: 'qwen3-1.7B', count: { quick: 32, full: 64 }, trial: 16 },
  { size: '4b', shape: 'qwen3-4B', count: { quick: 16, full: 32 }, trial: 8 },
  { size: '8b', shape: 'qwen3-8B', count: { quick: 10, full: 16 }, trial: 5 },
];
const contextSize = 512;

async function compare({ engines, models: files, quick, rounds }, { size, shape, count, trial }, report) {
  const path = files.synthetic(shape);
  const peer = await engines.peerWith(path, contextSize, decodeTrial(trial), [cores]);
  const ours = {};
  for (const [name, kernels] of [
    ['avx2', 'avx2'],
    ['best', undefined],
  ]) {
    try {
      ours[name] = await engines.oursWith({ path, contextSize, threads: 0 }, kernels);
    } catch (error) {
      if (!(error instanceof Short)) {
        throw error;
      }
      report.bar(`decode-${name}-${size}`, null, error.message);
    }
  }
  const tokens = freshPrompt(32);
  const decode = (child, tokensWanted, options) => async () =>
    speed(await child.ask('decode', { tokens, count: tokensWanted, ...options }));
  /** The peer's alone with every thread count (that needs no new context), so that a disturbed trial cannot harm it. */
  const turns = (n) => ({
    ...Object.fromEntries(
      peerThreads.map((threads) => [threads, decode(peer, n, { clock: 'engine', threads })]),
    ),
    ...Object.fromEntries(Object.entries(ours).map(([name, child]) => [name, decode(child, n)])),
    loop: decode(peer, n, { clock: 'loop' }),
  });
  await takeTurns(1, turns(3)); // computes the prompt, and warms up
  const measured = await takeTurns(rounds, turns(quick ? count.quick : count.full));
  const threads = peerThreads.reduce((a, b) => (measured[b].median > measured[a].median ? b : a));
  const [alone, loop] = [measured[threads], measured.loop];
  const fastest = Math.max(alone.median, loop.median);
  for (const [name, child] of Object.entries(ours)) {
    const { median: middle, all } = measured[name];
    report.row({
      ...{ model: size, what: 'decode', depth: 0, unit: 'tok/s', kernels: child.kernels },
      ...{ ours: middle, oursAll: all, peer: fastest, ratio: middle / fastest },
      ...{ peerLoop: loop.median, peerLoopAll: loop.all },
      ...{ peerEngine: alone.median, peerEngineAll: alone.all },
      settings: `${child.threads} threads; ${settingsText({ ...peer.settings, threads })}`,
    });
    report.bar(`decode-${name}-${size}`, middle / fastest);
  }
  for (const child of [peer, ...Object.values(ours)]) {
    await engines.close(child);
  }
}

/** The embedded model with two threads, against node-llama-cpp as its users have it. */
export async function decodeEmbedded({ engines, models: files, quick, rounds }, report) {
  const path = files.embedded;
  const count = quick ? 64 : 128;
  const context = { path, contextSize: 1024 };
  // So quick that the trial can be one at full length.
  const peer = await engines.peerWith(path, 1024, async (child) => {
    const runs = [];
    for (let i = 0; i < 4; i += 1) {
      runs.push(speed(await child.ask('decode', { tokens: freshPrompt(32), count, clock: 'loop' })));
    }
    return median(runs.slice(1));
  });
  const ours = await engines.oursWith({ ...context, threads: 2 });
  const tokens = freshPrompt(32);
  const decode = (child, clock) => async () => speed(await child.ask('decode', { tokens, count, clock }));
  const turns = { ours: decode(ours), loop: decode(peer, 'loop'), engine: decode(peer, 'engine') };
  await takeTurns(1, turns);
  const measured = await takeTurns(3 * rounds, turns);
  const ratio = measured.ours.median / measured.loop.median;
  const alone = measured.ours.median / measured.engine.median;
  report.row({
    ...{ model: 'embedded', what: 'decode', depth: 0, unit: 'tok/s', kernels: ours.kernels },
    ...{ ours: measured.ours.median, oursAll: measured.ours.all, peer: measured.loop.median, ratio },
    ...{ peerLoop: measured.loop.median, peerLoopAll: measured.loop.all },
    ...{ peerEngine: measured.engine.median, peerEngineAll: measured.engine.all },
    settings: `2 threads; ${settingsText(peer.settings)}`,
  });
  report.bar(
    'decode-embedded',
    ratio,
    `the package with its loop, which is what the bar names; llama.cpp alone: ${alone.toFixed(2)}x`,
  );
  await engines.close(peer);
  await engines.close(ours);
}

export async function decode(context, report) {
  for (const model of models) {
    await compare(context, model, report);
  }
  await decodeEmbedded(context, report);
}
