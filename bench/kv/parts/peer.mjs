/**
 * Decoding at a depth of 8k against llama.cpp alone (bench/peer) at its best settings. What whole models take is composed of what
 * models with one layer and with three take; in a full run the 1.7B shape is measured whole as well, with the settings that were
 * the peer's best.
 */
import { Engines } from '../../engine/engines.mjs';
import { prepare } from '../../engine/prepare.mjs';
import { composeSettings, judgeDecode, judgeHalves, lesser } from '../composition.mjs';
import { allSettings, decodeInTurns, depths, figures } from '../decode.mjs';

/** `values`: keys and values of a token in one layer. */
const shapes = [
  { model: '1.7b', shape: 'qwen3-1.7B', layers: 28, values: 2 * 8 * 128 },
  { model: '8b', shape: 'qwen3-8B', layers: 36, values: 2 * 8 * 128 },
];
const few = [1, 3];

/** `times`: by medians and by quickest rounds. */
function addRows(rows, model, settings, [medians, quickest], isComposed) {
  for (const setting of settings) {
    const { id } = setting;
    const found = { ms: medians[id], quickest: quickest[id], composed: isComposed };
    rows.push({ model, ...setting, depth: depths.deep, ...found });
  }
}

async function composed(context, rows, { model, shape, layers, values }) {
  const { models, quick } = context;
  const turns = {};
  for (const count of few) {
    turns[count] = await decodeInTurns(
      context,
      { path: models.synthetic(shape, count), values: values * count },
      allSettings,
      { rounds: quick ? 7 : 9, steps: { ours: 32, 'llama.cpp': 16 } },
    );
    for (const depth of Object.keys(depths)) {
      for (const [id, { median, all }] of Object.entries(turns[count][depth])) {
        rows.push({
          model,
          layers: count,
          depth: depths[depth],
          id,
          ms: median,
          quickest: Math.min(...all),
          all,
        });
      }
    }
  }
  const times = figures.map((figure) => {
    const [one, three] = few.map((count) => figure(turns[count].deep));
    return composeSettings(one, three, layers);
  });
  addRows(rows, model, allSettings, times, true);
  return { turns, times, kernels: turns[1].kernels, threads: turns[1].threads };
}

/** By store of the peer's. */
function judgeBoth(settings, times, how) {
  const [byMedian, byQuickest] = times.map((one) => judgeDecode(settings, one, how));
  return Object.fromEntries(
    Object.keys(byMedian).map((store) => {
      const verdict = lesser(byMedian[store], byQuickest[store]);
      return [store, { ...verdict, peer: byQuickest[store].peer ?? byMedian[store].peer }];
    }),
  );
}

/** The 1.7B shape as it is, ours and the peer's best. */
async function whole(context, rows, { model, shape, layers, values }, best) {
  const wanted = [
    ...allSettings.filter(({ engine, threads }) => engine === 'ours' && threads === undefined),
    ...best,
  ];
  const turns = await decodeInTurns(
    context,
    { path: context.models.synthetic(shape), values: values * layers },
    wanted,
    { rounds: 3, steps: { ours: 32, 'llama.cpp': 8 } },
  );
  const times = figures.map((figure) => figure(turns.deep));
  addRows(rows, model, wanted, times, false);
  return judgeBoth(wanted, times, 'measured whole');
}

function reportDecode(report, model, judged) {
  for (const [store, { value, note }] of Object.entries(judged)) {
    report.bar(`decode-8k-${store}-${model}`, value, note);
  }
}

/** Attention over halves, one thread each, in the model with the most layers. */
function judgeAttention(turns) {
  const most = few.at(-1);
  const { shallow, deep } = turns[most];
  const [byMedian, byQuickest] = figures.map((figure) =>
    judgeHalves(allSettings, figure(shallow), figure(deep), most),
  );
  const { value, note } = lesser(byMedian, byQuickest);
  return [value, `8B shape, ${most} layers, ${depths.deep} tokens, one thread; ${note}`];
}

export async function peer(context, report, plan = shapes) {
  const engines = new Engines(await prepare());
  const rows = [];
  report.tables.peer = { rows };
  try {
    for (const one of plan) {
      const { turns, times, kernels, threads } = await composed({ ...context, engines }, rows, one);
      const how = `composed of models with ${few.join(' and ')} layers; ours with ${threads} threads, kernels ${kernels}`;
      const judged = judgeBoth(allSettings, times, how);
      reportDecode(report, one.model, judged);
      if (one.model === '8b') {
        report.bar('fp16-path', ...judgeAttention(turns));
      }
      const best = Object.values(judged).flatMap(({ peer: setting }) =>
        setting === undefined ? [] : [setting],
      );
      if (one.model === '1.7b' && !context.quick && best.length > 0) {
        reportDecode(report, one.model, await whole({ ...context, engines }, rows, one, best));
      }
    }
  } finally {
    await engines.closeAll();
  }
}
