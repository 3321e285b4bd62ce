/** What measured times mean: whole models of models with few layers, the best settings, shares. Nothing here measures. */
import { composeLayers, median } from '../engine/figures.mjs';

/** Milliseconds a token of a whole model by setting, from those of models with one layer and with three. */
export function composeSettings(one, three, layers) {
  return Object.fromEntries(Object.keys(one).map((id) => [id, composeLayers(one[id], three[id], layers)]));
}

/** The setting, of those that `wanted` takes, with the least time; undefined where none has one. */
export function fastest(settings, times, wanted) {
  return settings
    .filter((setting) => wanted(setting) && typeof times[setting.id] === 'number')
    .map((setting) => ({ setting, ms: times[setting.id] }))
    .reduce((a, b) => (a === undefined || b.ms < a.ms ? b : a), undefined);
}

/**
 * Milliseconds of attention a layer and a token: what a token takes longer in depth than at the beginning. Null when it takes
 * no longer: then the machine was too disturbed to say anything.
 */
export function attentionALayer(shallow, deep, layers) {
  const ms = (deep - shallow) / layers;
  return ms > 0 ? ms : null;
}

/** The peer may have been best with any of its settings: one that says nothing leaves nothing to be said of the peer. */
function bestOfPeer(settings, times, wanted) {
  const all = settings.filter(peers(wanted));
  return all.every(({ id }) => typeof times[id] === 'number') ? fastest(all, times, () => true) : undefined;
}

const ours = ({ engine, store }) => engine === 'ours' && store === 'kv4';
const peers =
  (wanted) =>
  ({ engine, store }) =>
    engine === 'llama.cpp' && store === wanted;

/**
 * The peer's best settings against our kv4 with the product's threads, by the peer's way of storing.
 * @returns {Record<string, { value: number | null, note: string, peer: object | undefined }>}
 */
export function judgeDecode(settings, times, how) {
  const own = fastest(settings, times, ours);
  return Object.fromEntries(
    ['q4_0', 'f16'].map((store) => {
      const best = bestOfPeer(settings, times, store);
      if (own === undefined || best === undefined) {
        return [store, { value: null, note: `${how}: too disturbed to say anything`, peer: undefined }];
      }
      const note = `${how}; kv4 ${own.ms.toFixed(1)} ms a token, ${best.setting.id} ${best.ms.toFixed(1)}`;
      return [store, { value: best.ms / own.ms, note, peer: best.setting }];
    }),
  );
}

/** Our attention over halves against the peer's best, one thread each. */
export function judgeHalves(settings, shallow, deep, layers) {
  const single = settings.filter(({ store, threads }) => store === 'f16' && threads === 1);
  const times = Object.fromEntries(
    single.map(({ id }) => [id, attentionALayer(shallow[id], deep[id], layers)]),
  );
  const own = fastest(single, times, ({ engine }) => engine === 'ours');
  const best = bestOfPeer(single, times, 'f16');
  if (own === undefined || best === undefined) {
    return { value: null, note: 'too disturbed to say anything', times };
  }
  const note = `a layer and token: ${own.ms.toFixed(2)} ms, ${best.setting.id} ${best.ms.toFixed(2)}`;
  return { value: best.ms / own.ms, note, times };
}

/**
 * The lesser of what medians and what everyone's quickest rounds say. On a quiet machine both say the same; on a busy one the peer,
 * whose threads wait for each other, suffers more, and medians alone would flatter us.
 */
export function lesser(byMedian, byQuickest) {
  if (byMedian.value === null || byQuickest.value === null) {
    const found = byMedian.value ?? byQuickest.value;
    const other =
      found === null
        ? ''
        : ` (${found.toFixed(1)} by ${byMedian.value === null ? 'the quickest rounds' : 'medians'} alone)`;
    return { ...byQuickest, value: null, note: `too disturbed to say anything${other}` };
  }
  const [chosen, other, text] =
    byMedian.value <= byQuickest.value
      ? [byMedian, byQuickest, 'medians; by the quickest rounds']
      : [byQuickest, byMedian, 'quickest rounds; by medians'];
  return { ...byQuickest, value: chosen.value, note: `${chosen.note} (${text} ${other.value.toFixed(1)})` };
}

/**
 * Bytes that a token takes in the peer's cache, of its state's sizes with and without tokens; what its type must make of it is
 * 2 bytes a value (f16), or 18 for 32 (q4_0). The state has a few bytes more a token: its position.
 */
export function storeOf(emptyBytes, bytes, tokens, values) {
  const each = (bytes - emptyBytes) / tokens / values;
  const stores = [
    ['f16', 2],
    ['q4_0', 18 / 32],
  ];
  return (
    stores.find(([, size]) => each >= size && each < size * 1.05)?.[0] ?? `${each.toFixed(3)} bytes a value`
  );
}

/**
 * Percent of an evaluation that codes cost: sealing, and what all of Store takes longer than with halves. By the wall's clock and
 * by the processor's; what counts is the larger one.
 */
export function encodeShares({ f16, kv4, threads }) {
  const middle = (rows, part) => median(rows.map(part));
  const store = (rows) => middle(rows, ({ storeNanoseconds }) => storeNanoseconds);
  const rotating = (Math.max(0, store(kv4) - store(f16)) * kv4[0].stores) / 1e6;
  const wall = 100 * middle(kv4, (one) => (one.prepare + rotating / threads) / one.milliseconds);
  const processor = 100 * middle(kv4, (one) => (one.prepareProcessor + rotating) / one.processor);
  const milliseconds = (rows) => middle(rows, (one) => one.milliseconds);
  return {
    ...{ share: Math.max(wall, processor), wall, processor, milliseconds: milliseconds(kv4) },
    sealing: 100 * middle(kv4, (one) => one.prepareProcessor / one.processor),
    rotating: 100 * middle(kv4, (one) => rotating / one.processor),
    /** By how much a prompt takes longer than with f16; attention over codes is in it. */
    longer: 100 * (milliseconds(kv4) / milliseconds(f16) - 1),
  };
}
