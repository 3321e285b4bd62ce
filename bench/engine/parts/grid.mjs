/**
 * The whole picture (full runs only, no bars): the 1.7B shape at depth 0, 2k and 8k, prompts of 128, 512 and 2048, time to the
 * first token, one and two threads; 4B and 8B with a short prompt. Their deeper points are composed from models of one and of
 * three layers, and so are the 1.7B's, to show how far such a composition is from the measured figure.
 */
import { freshPrompt, prefillTrial, settingsText, speed } from '../engines.mjs';
import { composeLayers, takeTurns } from '../figures.mjs';

/** What is measured; [prompt length, rounds]. A prompt of 32 stands for depth 0. */
const fullPlan = {
  depths: [32, 2048, 8192],
  prompts: [
    [128, 3],
    [512, 2],
    [2048, 1],
  ],
  firstToken: [
    [128, 3],
    [512, 2],
  ],
  shortPrompts: [[128, 2]],
  large: [
    { model: '4b', shape: 'qwen3-4B', layers: 36 },
    { model: '8b', shape: 'qwen3-8B', layers: 36 },
  ],
};
const threadCounts = [1, 2];

/**
 * Milliseconds a token at every depth. The prompts grow, so that each engine computes the deepest one once.
 * @returns {Promise<{ depth: number, threads: number, ours: number, peer: number }[]>}
 */
async function decodeAtDepths({ ours, peer }, depths, { counts, rounds, threads }) {
  const long = freshPrompt(depths.at(-1));
  const points = [];
  for (const depth of depths) {
    const tokens = long.slice(0, depth);
    await ours.ask('prefill', { tokens, fresh: false });
    await peer.ask('prefill', { tokens: tokens.slice(0, -1), fresh: false });
    for (const count of threads) {
      const decode = (child, steps) => async () => {
        const timing = await child.ask('decode', { tokens, count: steps, clock: 'engine', threads: count });
        return 1000 / speed(timing);
      };
      const measured = await takeTurns(rounds, {
        ours: decode(ours, counts.ours),
        peer: decode(peer, counts.peer),
      });
      points.push({ depth, threads: count, ours: measured.ours.median, peer: measured.peer.median });
    }
  }
  return points;
}

function decodeRow(report, model, { depth, threads, ours, peer }, more = {}) {
  report.row({
    ...{ model, what: 'decode', depth: depth < 64 ? 0 : depth, threads, unit: 'tok/s' },
    ...(ours !== null && { ours: 1000 / ours }),
    ...(peer !== null && { peer: 1000 / peer }),
    ...(ours !== null && peer !== null && { ratio: peer / ours }),
    ...more,
  });
}

/** Which flash attention setting serves the peer in depth: some hundred tokens tell, and cost little. */
const deepTrial = (depths) => async (peer) => {
  const tokens = freshPrompt(Math.min(768, depths.at(-1)));
  await peer.ask('prefill', { tokens: tokens.slice(0, -1) });
  return speed(await peer.ask('decode', { tokens, count: 6, clock: 'engine' }));
};

async function open({ engines, models }, contextSize, shape, layers, trial) {
  const path = models.synthetic(shape, layers);
  const peer = await engines.peerWith(path, contextSize, trial, [2]);
  const ours = await engines.oursWith({ path, contextSize, threads: 2 });
  return { ours, peer, settings: peer.settings };
}

const close = async (engines, { ours, peer }) => {
  await engines.close(ours);
  await engines.close(peer);
};

async function prompts({ ours, peer, settings }, model, lengths, report, threads = [2]) {
  for (const [length, rounds] of lengths) {
    for (const count of threads) {
      if (count === 1 && length > 512) {
        continue; // two minutes of the peer's alone
      }
      await peer.ask('configure', { ...settings, threads: count });
      const evaluate = (child) => async () => {
        const { ms } = await child.ask('prefill', { tokens: freshPrompt(length), threads: count });
        return (length / ms) * 1000;
      };
      const measured = await takeTurns(rounds, { ours: evaluate(ours), peer: evaluate(peer) });
      report.row({
        ...{ model, what: 'prefill', tokens: length, threads: count, unit: 'tok/s', kernels: ours.kernels },
        ...{ ours: measured.ours.median, oursAll: measured.ours.all },
        ...{ peer: measured.peer.median, peerAll: measured.peer.all },
        ratio: measured.ours.median / measured.peer.median,
        settings: settingsText({ ...settings, threads: count }),
      });
    }
  }
}

async function firstTokens({ ours, peer }, model, lengths, report) {
  for (const [length, rounds] of lengths) {
    const answer = (child) => async () => (await child.ask('firstToken', { tokens: freshPrompt(length) })).ms;
    const measured = await takeTurns(rounds, { ours: answer(ours), peer: answer(peer) });
    report.row({
      ...{ model, what: 'time to first token', tokens: length, threads: 2, unit: 'ms' },
      kernels: ours.kernels,
      ...{ ours: measured.ours.median, peer: measured.peer.median },
      ratio: measured.ours.median / measured.peer.median,
    });
  }
}

/** Milliseconds a token at the depths, of models with one layer and with three, and what they make of a whole model. */
async function composed(context, depths, { shape, layers }) {
  const points = {};
  for (const few of [1, 3]) {
    const pair = await open(context, roomFor(depths), shape, few, deepTrial(depths));
    points[few] = await decodeAtDepths(pair, depths, {
      ...{ counts: { ours: 48, peer: 24 }, rounds: 5, threads: [2] },
    });
    await close(context.engines, pair);
  }
  return points[1].map((one, i) => ({
    ...one,
    ours: composeLayers(one.ours, points[3][i].ours, layers),
    peer: composeLayers(one.peer, points[3][i].peer, layers),
  }));
}

const roomFor = (depths) => depths.at(-1) + 128;
/** By how much a composed figure is off the real one. */
const off = (value, real) =>
  value === null
    ? 'unknown'
    : `${value >= real ? '+' : '−'}${Math.abs(100 * (value / real - 1)).toFixed(1)} %`;

async function deep17(context, report, plan, measured) {
  const { depths } = plan;
  const pair = await open(context, roomFor(depths), 'qwen3-1.7B', undefined, deepTrial(depths));
  measured.push(
    ...(await decodeAtDepths(pair, depths, {
      ...{ counts: { ours: 32, peer: 8 }, rounds: 3, threads: threadCounts },
    })),
  );
  for (const point of measured) {
    const settings = settingsText({ ...pair.settings, threads: point.threads });
    decodeRow(report, '1.7b', point, { kernels: pair.ours.kernels, settings });
  }
  await close(context.engines, pair);
}

async function prompts17(context, report, plan) {
  const pair = await open(context, roomFor([2048]), 'qwen3-1.7B', undefined, prefillTrial(64));
  await prompts(pair, '1.7b', plan.prompts, report, threadCounts);
  await pair.peer.ask('configure', pair.settings);
  await firstTokens(pair, '1.7b', plan.firstToken, report);
  await close(context.engines, pair);
}

async function shortPrompts(context, report, plan, { model, shape }) {
  const pair = await open(context, 256, shape, undefined, prefillTrial(16));
  await prompts(pair, model, plan.shortPrompts, report);
  await close(context.engines, pair);
}

/** How far a composed figure is from the measured one. */
async function linearity(context, report, plan, measured) {
  for (const point of await composed(context, plan.depths, { shape: 'qwen3-1.7B', layers: 28 })) {
    const real = measured.find(({ depth, threads }) => depth === point.depth && threads === point.threads);
    const settings =
      real === undefined
        ? 'from models of 1 and 3 layers'
        : `time a token off the measured one by ${off(point.ours, real.ours)} (ours), ${off(point.peer, real.peer)} (llama.cpp)`;
    decodeRow(report, '1.7b', point, { composed: true, settings });
  }
}

async function composedLarge(context, report, plan, large) {
  for (const point of await composed(context, plan.depths, large)) {
    decodeRow(report, large.model, point, { composed: true, settings: 'from models of 1 and 3 layers' });
  }
}

export async function grid(context, report, plan = fullPlan) {
  if (context.quick) {
    report.note('The grid is measured in full runs only.');
    return;
  }
  const measured = [];
  /** Minutes that each takes about; one that would not end in time is left out. */
  const steps = [
    ['prompts of the 1.7B shape', 5, () => prompts17(context, report, plan)],
    ...plan.large.map((large) => [
      ...[`prompts of ${large.model}`, 1.5, () => shortPrompts(context, report, plan, large)],
    ]),
    ['decoding the 1.7B shape in depth', 8, () => deep17(context, report, plan, measured)],
    ['composition, checked on the 1.7B shape', 2, () => linearity(context, report, plan, measured)],
    ...plan.large.map((large) => [
      ...[`composition of ${large.model}`, 4, () => composedLarge(context, report, plan, large)],
    ]),
  ];
  for (const [what, minutes, run] of steps) {
    if (context.secondsLeft() < 60 * minutes) {
      report.note(`Left out, because the run would have taken too long: ${what}.`);
    } else {
      await run();
    }
  }
}
