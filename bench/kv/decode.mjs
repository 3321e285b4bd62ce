/** Decoding in depth, ours and the peer's with every way of storing keys and values, in turns. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freshPrompt, peerThreads, speed } from '../engine/engines.mjs';
import { takeTurns } from '../engine/figures.mjs';
import { storeOf } from './composition.mjs';

/**
 * Tokens before those that are timed. Some 17 to 33 are: around 8,384 our page at hand is half full, as on average, and the
 * peer, which computes in pieces of 256 cells, has a piece that is nearly full. Around 224 that is so too, and there
 * attention takes next to nothing.
 */
export const depths = { shallow: 208, deep: 8368 };
const contextSize = depths.deep + 144;

/** The peer's contexts; q4_0 needs flash attention. */
const peerContexts = [
  { store: 'f16', flashAttention: false },
  { store: 'f16', flashAttention: true },
  { store: 'q4_0', flashAttention: true },
];

const named = (setting) => ({ ...setting, id: nameOf(setting) });
function nameOf({ engine, store, flashAttention, threads }) {
  const how = flashAttention ? ' with flash attention' : '';
  const count = threads === undefined ? '' : `, ${threads} thread${threads === 1 ? '' : 's'}`;
  return `${engine} ${store}${how}${count}`;
}

/** Ours with the threads that the product takes; halves also with one, to be compared alone. */
export const allSettings = [
  named({ engine: 'ours', store: 'kv4' }),
  named({ engine: 'ours', store: 'f16' }),
  named({ engine: 'ours', store: 'f16', threads: 1 }),
  ...peerContexts.flatMap((one) =>
    peerThreads.map((threads) => named({ engine: 'llama.cpp', ...one, threads })),
  ),
];

/** One child for each engine and way of storing: they hold their prompts all the time. */
const contextOf = ({ engine, store, flashAttention }) => `${engine} ${store} ${flashAttention ?? ''}`;

async function openOurs(engines, path, { store }) {
  return engines.oursWith({ path, contextSize, codec: store });
}

/** Prompts are evaluated with all cores; how many threads decode is said with each request. */
async function openPeer(engines, path, { store, flashAttention }) {
  const child = engines.peer();
  await child.ask('load', { path });
  const kvType = store.toUpperCase();
  await child.ask('configure', { contextSize, threads: Math.max(...peerThreads), flashAttention, kvType });
  return child;
}

/** The same in every run, so that the peer can take from a file what it had evaluated of it in an earlier one. */
const long = Array.from({ length: depths.deep }, (_, i) => 300 + ((13 + i * 104_729) % 15_000));

/** Where the peer leaves its evaluated prompt, beside the model. */
function stateFile(path, { store, flashAttention }) {
  const lock = join(dirname(fileURLToPath(import.meta.url)), '..', 'peer', 'package-lock.json');
  const version = createHash('sha256').update(readFileSync(lock)).digest('hex').slice(0, 8);
  return `${path}.${store}${flashAttention ? '-flash' : ''}-${depths.deep}-${version}.state`;
}

/** What the options asked for is what the context does. */
async function checkStore(child, { id, store }, values) {
  const empty = await child.ask('stateBytes');
  const tokens = freshPrompt(64);
  await child.ask('prefill', { tokens });
  const found = storeOf(empty, await child.ask('stateBytes'), tokens.length, values);
  if (found !== store) {
    throw new Error(`${id} stores ${found}`);
  }
}

/**
 * Milliseconds a token of a model, by depth and setting.
 * @param {{ path: string, values: number }} model `values`: keys and values of a token in all layers
 */
export async function decodeInTurns({ engines, log }, model, settings, { rounds, steps }) {
  const children = new Map();
  for (const setting of settings) {
    const key = contextOf(setting);
    if (!children.has(key)) {
      const isOurs = setting.engine === 'ours';
      const child = await (isOurs ? openOurs : openPeer)(engines, model.path, setting);
      if (!isOurs) {
        await checkStore(child, setting, model.values);
      }
      children.set(key, child);
    }
  }
  const measured = {};
  for (const [name, depth] of Object.entries(depths)) {
    const tokens = long.slice(0, depth);
    for (const [key, child] of children) {
      const setting = settings.find((one) => contextOf(one) === key);
      const { ms, restored } = await child.ask('prefill', {
        ...{ tokens: tokens.slice(0, -1), fresh: false },
        ...(setting.engine !== 'ours' && name === 'deep' && { stateFile: stateFile(model.path, setting) }),
      });
      const from = restored ? ', from a file of an earlier run' : '';
      log(`peer: ${key.trim()} holds ${depth} tokens, after ${(ms / 1000).toFixed(0)} s${from}`);
    }
    const decode =
      ({ engine, threads, ...rest }) =>
      async () => {
        const child = children.get(contextOf({ engine, ...rest }));
        const timing = await child.ask('decode', {
          tokens,
          count: steps[engine] + 1,
          clock: 'engine',
          threads,
        });
        return 1000 / speed(timing);
      };
    measured[name] = await takeTurns(
      rounds,
      Object.fromEntries(settings.map((setting) => [setting.id, decode(setting)])),
    );
  }
  const about = [...children.values()].find(({ kernels }) => kernels !== undefined);
  for (const child of children.values()) {
    await engines.close(child);
  }
  return { ...measured, kernels: about?.kernels, threads: about?.threads };
}

const each = (turns, figure) =>
  Object.fromEntries(Object.entries(turns).map(([id, measured]) => [id, figure(measured)]));
/** What is judged, by setting: medians, and quickest rounds. */
export const figures = [
  (turns) => each(turns, ({ median }) => median),
  (turns) => each(turns, ({ all }) => Math.min(...all)),
];
