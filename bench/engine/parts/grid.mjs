/**
 * The whole picture (full runs only, no bars): the 1.7B shape at depth 0, 2k and 8k, prompts of 128, 512 and 2048, time to the
 * first token, one and two threads; 4B and 8B with a short prompt. Their deeper points are composed from models of one and of
 * three layers, and so are the 1.7B's, to show how far such a composition is from the measured figure.
 */
import { freshPrompt, prefillTrial, settingsText, speed } from '../engines.mjs';
import { composeLayers, takeTurns } from '../figures.mjs';

const depths = [32, 2048, 8192];
const contextSize = depths.at(-1) + 128;
const threadCounts = [1, 2];

/**
 * Milliseconds a token at every depth. The prompts grow, so that each engine computes the deepest one once.
 * @returns {Promise<{ depth: number, threads: number, ours: number, peer: number }[]>}
 */
async function decodeAtDepths({ ours, peer }, { counts, rounds, threads, about = () => true }) {
  const long = freshPrompt(depths.at(-1));
  const points = [];
  for (const depth of depths.filter(about)) {
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

const depthText = (depth) => (depth === depths[0] ? 0 : depth);

function decodeRow(report, model, { depth, threads, ours, peer }, more = {}) {
  report.row({
    ...{ model, what: 'decode', depth: depthText(depth), threads, unit: 'tok/s' },
    ...{ ours: 1000 / ours, peer: 1000 / peer, ratio: peer / ours, ...more },
  });
}

/** Which flash attention setting serves the peer in depth: a fifth of the depth tells, and costs little. */
const deepTrial = async (peer) => {
  const tokens = freshPrompt(768);
  await peer.ask('prefill', { tokens: tokens.slice(0, -1) });
  return speed(await peer.ask('decode', { tokens, count: 6, clock: 'engine' }));
};

async function open({ engines, models }, shape, layers, trial) {
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
        ...{
          ratio: measured.ours.median / measured.peer.median,
          settings: settingsText({ ...settings, threads: count }),
        },
      });
    }
  }
}

async function firstTokens({ ours, peer }, model, lengths, report) {
  for (const [length, rounds] of lengths) {
    const answer = (child) => async () => (await child.ask('firstToken', { tokens: freshPrompt(length) })).ms;
    const measured = await takeTurns(rounds, { ours: answer(ours), peer: answer(peer) });
    report.row({
      ...{
        model,
        what: 'time to first token',
        tokens: length,
        threads: 2,
        unit: 'ms',
        kernels: ours.kernels,
      },
      ...{ ours: measured.ours.median, peer: measured.peer.median },
      ratio: measured.ours.median / measured.peer.median,
    });
  }
}

/** Milliseconds a token at the depths, of models with one layer and with three. */
async function fewLayers(context, shape) {
  const points = {};
  for (const layers of [1, 3]) {
    const pair = await open(context, shape, layers, deepTrial);
    points[layers] = await decodeAtDepths(pair, { counts: { ours: 48, peer: 24 }, rounds: 3, threads: [2] });
    await close(context.engines, pair);
  }
  return points;
}

const composed = (points, i, layers) => ({
  ...points[1][i],
  ...{ ours: composeLayers(points[1][i].ours, points[3][i].ours, layers) },
  ...{ peer: composeLayers(points[1][i].peer, points[3][i].peer, layers) },
});

export async function grid(context, report) {
  const { engines, quick } = context;
  if (quick) {
    report.note('The grid is measured in full runs only.');
    return;
  }
  const whole = await open(context, 'qwen3-1.7B', undefined, deepTrial);
  const measured = await decodeAtDepths(whole, {
    counts: { ours: 32, peer: 8 },
    rounds: 3,
    threads: threadCounts,
  });
  for (const point of measured) {
    decodeRow(report, '1.7b', point, {
      settings: settingsText({ ...whole.settings, threads: point.threads }),
    });
  }
  await close(engines, whole);

  const short = await open(context, 'qwen3-1.7B', undefined, prefillTrial(64));
  await prompts(
    short,
    '1.7b',
    [
      [128, 3],
      [512, 2],
      [2048, 1],
    ],
    report,
    threadCounts,
  );
  await short.peer.ask('configure', short.settings);
  await firstTokens(
    short,
    '1.7b',
    [
      [128, 3],
      [512, 2],
    ],
    report,
  );
  await close(engines, short);

  for (const [model, shape] of [
    ['4b', 'qwen3-4B'],
    ['8b', 'qwen3-8B'],
  ]) {
    const pair = await open(context, shape, undefined, prefillTrial(16));
    await prompts(pair, model, [[128, 2]], report);
    await close(engines, pair);
  }

  const check = await fewLayers(context, 'qwen3-1.7B');
  depths.forEach((depth, i) => {
    const point = composed(check, i, 28);
    const real = measured.find((one) => one.depth === depth && one.threads === 2);
    decodeRow(report, '1.7b', point, {
      composed: true,
      offBy: { ours: point.ours / real.ours - 1, peer: point.peer / real.peer - 1 },
      settings: `composed; time is ${percent(point.ours / real.ours)} (ours), ${percent(point.peer / real.peer)} (llama.cpp) off what was measured`,
    });
  });
  for (const [model, shape] of [
    ['4b', 'qwen3-4B'],
    ['8b', 'qwen3-8B'],
  ]) {
    const points = await fewLayers(context, shape);
    depths.forEach((_, i) => {
      decodeRow(report, model, composed(points, i, 36), {
        composed: true,
        settings: 'composed from 1 and 3 layers',
      });
    });
  }
}

const percent = (ratio) => `${ratio >= 1 ? '+' : '−'}${Math.abs(100 * (ratio - 1)).toFixed(1)} %`;
