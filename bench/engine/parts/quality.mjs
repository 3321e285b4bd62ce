/**
 * Do the numbers that make it fast make it worse? The embedded model's next-token distributions after every position of real
 * source text, of each kernel table and of llama.cpp, against those of the float oracle (our engine's table "oracle": no
 * activation is quantised). All logits of the vocabulary are compared, as the model says them: no temperature, nothing left out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cores } from '../engines.mjs';
import { compareDistributions } from '../figures.mjs';

/** The project's own sources: what the model is for, in the languages that it knows. */
const texts = [
  'server/src/engine/port.ts',
  'native/src/base/thread_pool.cc',
  'server/src/completion/completer.ts',
  'native/include/niwaki/engine.h',
  'scripts/build.mjs',
  'server/src/lsp/server.ts',
  'server/src/engine/nativeEngine.ts',
  'native/src/model/qwen3.cc',
];
/** Texts, and tokens of each: more than 2,000 positions. */
const amounts = { quick: { count: 6, length: 344 }, full: { count: 8, length: 384 } };
const contextSize = 512;

async function textsAsTokens(child, root, { count, length }) {
  const chunks = [];
  for (const text of texts.slice(0, count)) {
    const tokens = await child.ask('tokenize', { text: readFileSync(join(root, text), 'utf8') });
    chunks.push(Array.from(tokens.slice(0, length)));
  }
  return chunks;
}

/** Rows of one text, as an iterable of views. */
function* rows(all, vocabulary) {
  for (let at = 0; at < all.length; at += vocabulary) {
    yield all.subarray(at, at + vocabulary);
  }
}

export async function quality({ engines, models, root, quick }, report) {
  const path = models.embedded;
  // The oracle is slow on purpose. One process a core, with a text each, is what keeps all cores at work.
  const oracles = Array.from({ length: Math.min(cores, 8) }, () => engines.ours());
  const [{ vocabulary }] = await Promise.all(
    oracles.map((child) => child.ask('configure', { path, contextSize, threads: 1, kernels: 'oracle' })),
  );
  const tables = (await oracles[0].ask('tables')).filter(
    ({ name, supported, allowed }) =>
      supported && allowed && name !== 'oracle' && !(quick && name === 'generic'), // slow, and not what runs here
  );
  const peer = engines.peer();
  await peer.ask('load', { path });

  const chunks = await textsAsTokens(oracles[0], root, quick ? amounts.quick : amounts.full);
  const truths = new Array(chunks.length);
  const waiting = chunks.keys();
  await Promise.all(
    oracles.map(async (child) => {
      for (const i of waiting) {
        truths[i] = [...rows(await child.ask('distributions', { tokens: chunks[i] }), vocabulary)];
      }
      await engines.close(child);
    }),
  );
  /** What each engine's distributions are like, by its name. */
  const compared = new Map();
  const take = async (name, ask) => {
    const all = [];
    for (const [i, tokens] of chunks.entries()) {
      let position = 0;
      for (const other of rows(await ask(tokens), vocabulary)) {
        all.push({ truth: truths[i][position], other });
        position += 1;
      }
    }
    compared.set(name, compareDistributions(all));
  };
  for (const { name } of tables) {
    const ours = engines.ours();
    await ours.ask('configure', { path, contextSize, threads: 0, kernels: name });
    await take(name, (tokens) => ours.ask('distributions', { tokens }));
    await engines.close(ours);
  }
  for (const flashAttention of [false, true]) {
    await peer.ask('configure', { contextSize, threads: cores, flashAttention });
    await take(`llama.cpp${flashAttention ? ', flash attention' : ''}`, (tokens) =>
      peer.ask('logits', { tokens, vocabulary }),
    );
  }

  const [best] = tables.map(({ name }) => name);
  const ours = compared.get(best);
  // The better of its two settings, for each figure.
  const peers = ['llama.cpp', 'llama.cpp, flash attention'].map((name) => compared.get(name));
  const theirs = {
    divergence: Math.min(...peers.map(({ divergence }) => divergence)),
    top1: Math.max(...peers.map(({ top1 }) => top1)),
    clearTop1: Math.max(...peers.map(({ clearTop1 }) => clearTop1)),
  };
  for (const [name, figures] of compared) {
    report.row({
      model: 'embedded',
      what: 'divergence from the oracle',
      kernels: name,
      unit: 'nats',
      ...{
        ours: figures.divergence,
        ...figures,
      },
    });
  }
  const { positions, clear } = ours;
  report.bar(
    'kl-embedded',
    ours.divergence / theirs.divergence,
    `${ours.divergence.toExponential(2)} against ${theirs.divergence.toExponential(2)} nats, ${positions} positions, ${best}`,
  );
  report.bar(
    'top1-embedded',
    ours.top1 - theirs.top1,
    `${ours.top1.toFixed(2)} % against ${theirs.top1.toFixed(2)} %`,
  );
  report.bar(
    'top1-margin-embedded',
    ours.clearTop1,
    `${clear} positions; llama.cpp ${theirs.clearTop1.toFixed(2)} %`,
  );
}
