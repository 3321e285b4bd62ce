/**
 * The peer as a child process: loads a GGUF file with node-llama-cpp (llama.cpp, CPU only) and does what it is told over IPC.
 * Requests are { id, op, ...arguments }, answers { id, value } or { id, error }. See client.mjs for the other end.
 */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { answer } from '../support/answer.mjs';
import { memory, resetPeak } from '../support/memory.mjs';

let llama;
let model;
let context;
let sequence;
/** What the sequence holds, when this file put it there. */
let held = [];

/** Greedy, and going on past the end of text, so that `count` alone decides how long it takes. */
const greedyOptions = { temperature: 0, yieldEogToken: true };

async function load({ getLlama, LlamaLogLevel }, path) {
  llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: availableParallelism(),
  });
  model = await llama.loadModel({ modelPath: path, ignoreMemorySafetyChecks: true });
}

async function createContext({ contextSize, threads, flashAttention, kvType, batchSize = 512 }) {
  context = await model.createContext({
    ...{ contextSize, batchSize, flashAttention, ignoreMemorySafetyChecks: true },
    ...(kvType && { experimentalKvCacheKeyType: kvType, experimentalKvCacheValueType: kvType }),
    ...(threads && { threads: { ideal: threads, min: threads } }),
  });
  sequence = context.getSequence();
  held = [];
}

/** Evaluates what of the prompt is not there yet, without logits, so that a deep prompt is computed once. */
async function hold(tokens) {
  const same = held.length <= tokens.length && held.every((token, i) => token === tokens[i]);
  if (!same) {
    await sequence.clearHistory();
    held = [];
  }
  if (tokens.length > held.length) {
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(held.length));
    held = [...tokens];
  }
  if (sequence.nextTokenIndex !== tokens.length) {
    throw new Error(`${sequence.nextTokenIndex} tokens are there, not ${tokens.length}`);
  }
}

/**
 * The same from a file, where an earlier run has left it: evaluating a deep prompt takes the peer up to 17 minutes, and what is timed
 * is what it does with it. A prompt that was computed is left there for the next run.
 */
async function holdFrom(stateFile, tokens) {
  if (!existsSync(stateFile)) {
    await hold(tokens);
    await sequence.saveStateToFile(`${stateFile}.part`);
    await rename(`${stateFile}.part`, stateFile);
    return false;
  }
  await sequence.clearHistory();
  await sequence.loadStateFromFile(stateFile, { acceptRisk: true });
  held = [...tokens];
  await hold(tokens); // says so where the file holds something else
  return true;
}

/** node-llama-cpp's own loop: evaluate, sample in JavaScript's pace, go on. */
async function loop(tokens, count, limitMs) {
  await hold(tokens.slice(0, -1));
  const said = [];
  let first = 0;
  let last = 0;
  for await (const token of sequence.evaluate(tokens.slice(-1), greedyOptions)) {
    said.push(token);
    last = performance.now();
    first ||= last;
    if (said.length === count || last - first > limitMs) {
      break;
    }
  }
  await sequence.eraseContextTokenRanges([{ start: held.length, end: sequence.nextTokenIndex }]);
  return { tokens: said, ms: last - first };
}

/**
 * llama.cpp alone: one llama_decode a token, its output head included (the token's logits are asked for), nothing sampled and
 * nothing chosen. `_ctx` is node-llama-cpp's own handle of the llama_context, and not public: the version is pinned.
 */
async function engineAlone(tokens, count, limitMs, threads) {
  await hold(tokens.slice(0, -1));
  const native = context._ctx;
  const id = sequence._sequenceId;
  const usual = native.getThreads();
  if (threads !== undefined) {
    native.setThreads(threads);
  }
  let steps = 0;
  let start = 0;
  let last = 0;
  // The first one is not timed, as in the loop's clock.
  for (; steps < count && !(last - start > limitMs); steps += 1) {
    const token = steps === 0 ? tokens.at(-1) : 300 + ((steps * 7919) % 15_000);
    native.initBatch(1);
    native.addToBatch(id, held.length + steps, Uint32Array.of(token), Uint32Array.of(0));
    await native.decodeBatch();
    last = performance.now();
    start ||= last;
  }
  native.removeTokenCellsFromSequence(id, held.length, -1);
  native.setThreads(usual);
  return { ms: last - start, steps: steps - 1 };
}

const operations = {
  /** Loads the package's code, so that `ready` does not count it. */
  async start() {
    await import('node-llama-cpp');
    return null;
  },

  /** Milliseconds from nothing to ready, and what that takes at the most and for good. */
  async ready({ path, contextSize }) {
    const library = await import('node-llama-cpp');
    resetPeak();
    const base = memory();
    const start = performance.now();
    await load(library, path);
    const loaded = memory();
    await createContext({ contextSize });
    const ms = performance.now() - start;
    return { ms, base, loaded, ready: memory() };
  },

  async load({ path }) {
    await load(await import('node-llama-cpp'), path);
    return { release: llama.llamaCppRelease?.release ?? 'unknown', systemInfo: llama.systemInfo };
  },

  /** A fresh context with these settings; the one before is given up. */
  async configure(settings) {
    await context?.dispose();
    await createContext(settings);
    return { threads: context.currentThreads };
  },

  /** Bytes that the context's state takes: what it holds of the sequence, in the cache's own types. */
  async stateBytes() {
    return context._ctx.getStateSize();
  },

  /** `special`: whether control tokens that are written out become such. */
  async tokenize({ text, special = true }) {
    return model.tokenize(text, special);
  },

  async greedy({ tokens, count }) {
    return (await loop(tokens, count, Infinity)).tokens;
  },

  /**
   * What is said greedily after a prompt, up to the end of a line or of `count` tokens, or one of the model's own ends or of
   * `ends` (tokens).
   */
  async line({ tokens, count, ends = [] }) {
    await hold(tokens.slice(0, -1));
    const said = [];
    for await (const token of sequence.evaluate(tokens.slice(-1), greedyOptions)) {
      if (model.isEogToken(token) || ends.includes(token)) {
        break;
      }
      said.push(token);
      if (said.length === count || model.detokenize(said).includes('\n')) {
        break;
      }
    }
    await sequence.clearHistory();
    held = [];
    return model.detokenize(said);
  },

  /** Milliseconds to evaluate a prompt. No logits are asked for, which spares it the output head. */
  async prefill({ tokens, fresh = true, stateFile }) {
    if (fresh) {
      await sequence.clearHistory();
      held = [];
    }
    const start = performance.now();
    const restored =
      stateFile === undefined ? (await hold(tokens), false) : await holdFrom(stateFile, tokens);
    return { ms: performance.now() - start, restored };
  },

  /** Milliseconds until the first token of an answer to a fresh prompt is there. */
  async firstToken({ tokens }) {
    await sequence.clearHistory();
    held = [];
    const start = performance.now();
    for await (const token of sequence.evaluate(tokens, greedyOptions)) {
      const ms = performance.now() - start;
      await sequence.clearHistory();
      return { ms, token };
    }
    throw new Error('no token came');
  },

  /** Milliseconds from the first generated token to the last: of node-llama-cpp's loop, or of llama.cpp alone. */
  async decode({ tokens, count, clock, threads, limitMs = Infinity }) {
    if (clock === 'engine') {
      return engineAlone(tokens, count, limitMs, threads);
    }
    const { ms, tokens: said } = await loop(tokens, count, limitMs);
    return { ms, steps: said.length - 1 };
  },

  /** The logits after every position, raw: a row of the vocabulary's size each. The whole text goes in at once. */
  async logits({ tokens, vocabulary }) {
    await sequence.clearHistory();
    held = [];
    const results = await sequence.controlledEvaluate(
      // Temperature 0 makes the sampler a plain choice of the best: no top-k, nothing that would touch the logits.
      tokens.map((token) => [token, { generateNext: { logits: true, options: { temperature: 0 } } }]),
    );
    await sequence.clearHistory();
    const rows = new Float32Array(tokens.length * vocabulary);
    results.forEach((result, i) => {
      const logits = result?.next?.logits;
      if (logits?.size !== vocabulary) {
        throw new Error(`${logits?.size} of ${vocabulary} logits after token ${i}`);
      }
      for (const [id, value] of logits) {
        rows[i * vocabulary + id] = value;
      }
    });
    return rows;
  },

  async dispose() {
    await llama?.dispose();
    setImmediate(() => process.disconnect());
    return null;
  },
};

answer(operations);
