/**
 * Decoding at a depth of 8k against llama.cpp alone (bench/peer) at its best settings. What whole models take is composed of what
 * models with one layer and with three take; in a full run the 1.7B shape is measured whole as well, with the settings that were
 * the peer's best.
 */
import { Engines } from '../../engine/engines.mjs';
import { prepare } from '../../engine/prepare.mjs';
import { composeSettings, judgeDecode, judgeHalves } from '../composition.mjs';
import { allSettings, decodeInTurns, depths, medians } from '../decode.mjs';

/** `values`: keys and values of a token in one layer. */
const shapes = [
  { model: '1.7b', shape: 'qwen3-1.7B', layers: 28, values: 2 * 8 * 128 },
  { model: '8b', shape: 'qwen3-8B', layers: 36, values: 2 * 8 * 128 },
];
const few = [1, 3];

function addRows(rows, model, settings, times, more) {
  for (const { id, engine, store, threads, flashAttention } of settings) {
    rows.push({
      model,
      id,
      engine,
      store,
      threads,
      flashAttention,
      depth: depths.deep,
      ms: times[id],
      ...more,
    });
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
      { rounds: quick ? 3 : 5, steps: { ours: 32, 'llama.cpp': 16 } },
    );
    for (const depth of Object.keys(depths)) {
      for (const [id, { median, all }] of Object.entries(turns[count][depth])) {
        rows.push({ model, layers: count, depth: depths[depth], id, ms: median, all });
      }
    }
  }
  const [one, three] = few.map((count) => medians(turns[count].deep));
  const times = composeSettings(one, three, layers);
  addRows(rows, model, allSettings, times, { composed: true });
  return { turns, times, kernels: turns[1].kernels, threads: turns[1].threads };
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
  addRows(rows, model, wanted, medians(turns.deep), { composed: false });
  return judgeDecode(wanted, medians(turns.deep), 'measured whole');
}

function reportDecode(report, model, judged) {
  for (const [store, { value, note }] of Object.entries(judged)) {
    report.bar(`decode-8k-${store}-${model}`, value, note);
  }
}

export async function peer(context, report) {
  const engines = new Engines(await prepare());
  const rows = [];
  report.tables.peer = { rows };
  try {
    for (const one of shapes) {
      const { turns, times, kernels, threads } = await composed({ ...context, engines }, rows, one);
      const how = `composed of models with ${few.join(' and ')} layers; ours with ${threads} threads and kernels ${kernels}`;
      const judged = judgeDecode(allSettings, times, how);
      reportDecode(report, one.model, judged);
      if (one.model === '8b') {
        const most = few.at(-1);
        const { value, note } = judgeHalves(
          ...[allSettings, medians(turns[most].shallow), medians(turns[most].deep), most],
        );
        report.bar(
          'fp16-path',
          value,
          `8B shape, ${most} layers, ${depths.deep} tokens, one thread; ${note}`,
        );
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
