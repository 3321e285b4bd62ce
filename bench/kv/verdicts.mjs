/** What the quality table says about the bars. Nothing here measures. */
import { ablations, bars, visiblyWorse } from './bars.mjs';

const models = ['base', 'twin'];

function find(rows, model, id) {
  const row = rows.find((one) => one.model === model && one.id === id);
  if (row === undefined) {
    throw new Error(`The quality table has no row ${id} of the ${model}.`);
  }
  return row;
}

const short = (value) => (value < 0.001 ? value.toExponential(1) : value.toFixed(4));

/** The worse of the model and its twin. */
function worst(rows, id, figure, larger) {
  const [base, twin] = models.map((model) => figure(find(rows, model, id), model));
  const value = larger ? Math.max(base, twin) : Math.min(base, twin);
  return { value, base, twin };
}

/** What the negative control has to miss: the gate of the divergence. */
const failsGate = (rows, id) => worst(rows, id, (row) => row.kl, true).value > bars['kl-kv4'].bar;

/**
 * @param {{ model: string, id: string, kl: number, top1: number, top1Clear: number }[]} rows
 * @returns {Record<string, { value: number, note: string }>} by bar
 */
export function judgeQuality(rows) {
  const measured = {};
  for (const id of ['kv8', 'kv4']) {
    const { value, base, twin } = worst(rows, id, (row) => row.kl, true);
    measured[`kl-${id}`] = { value, note: `model ${short(base)}, twin ${short(twin)}` };
  }
  const lead = worst(rows, 'kv4', (row, model) => row.top1 - find(rows, model, 'q4_0-h').top1, false);
  measured['top1-kv4'] = {
    value: lead.value,
    note: `model ${lead.base.toFixed(2)}, twin ${lead.twin.toFixed(2)}, over q4_0 after Hadamard`,
  };
  // What is shipped: with the layers that the calibration names. The row of kv4 alone stands beside it.
  const shipped = 'kv4-careful';
  const clear = worst(rows, shipped, (row) => row.top1Clear, false);
  const [missed, positions] = ['clearMissed', 'clear'].map((name) =>
    models.map((model) => find(rows, model, shipped)[name]),
  );
  measured['top1-clear-kv4'] = {
    value: clear.value,
    note:
      `${find(rows, 'base', shipped).what}, ${find(rows, 'base', shipped).bits.toFixed(2)} bits; ` +
      models.map((model, i) => `${model}: ${missed[i]} of ${positions[i]} missed`).join(', ') +
      `; kv4 in all layers: ${worst(rows, 'kv4', (row) => row.top1Clear, false).value.toFixed(2)} %, the largest lead overturned ` +
      `${worst(rows, 'kv4', (row) => row.overturned, true).value.toFixed(2)} logits, and where the two best probabilities differ by 0.1 ` +
      `${worst(rows, 'kv4', (row) => row.top1Sure, false).value.toFixed(2)} %`,
  };
  measured.ablations = judgeAblations(rows);
  return measured;
}

function judgeAblations(rows) {
  const own = find(rows, 'twin', 'kv4').kl;
  const ratios = ablations.map((id) => ({ id, ratio: find(rows, 'twin', id).kl / own }));
  const worse = ratios.filter(({ ratio }) => ratio >= visiblyWorse).length;
  const list = ratios.map(({ id, ratio }) => `${id} ${ratio.toFixed(2)}x`).join(', ');
  return failsGate(rows, 'k2v2')
    ? { value: worse, note: `${list}; the negative control fails the gate` }
    : { value: 0, note: `the negative control passes the gate, so nothing is shown; ${list}` };
}
