/**
 * Our engine as a child process, over the same path as in the product: EnginePort, self-test, addon. Answers requests as
 * ../peer/llama.mjs does. Runs with tsx, because the port is TypeScript.
 *
 *   ours.mjs ADDON [SELF-TEST CHILD]      the built self-test, so that a start costs what it costs the product
 */
import { createNativeEngine } from '../../server/src/engine/index.ts';
import { Priority } from '../../server/src/engine/port.ts'; // index.ts passes it on with "export *", which Node cannot see through
import { answer } from '../support/answer.mjs';
import { memory, resetPeak } from '../support/memory.mjs';

const [addonPath, selfTestChild] = process.argv.slice(2);
let selfTestMs;
const engine = createNativeEngine({
  addonPath,
  ...(selfTestChild && { selfTestChild }),
  onSelfTest: ({ ms }) => (selfTestMs = ms),
});
let model;
let info;
let session;
let other;
let banned;
let lastJob = 0;

/** Tokens at which the engine would stop, so that the count alone decides how long it takes. */
async function endTokens() {
  const texts = ['<|endoftext|>', '<|im_end|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'];
  const ids = await Promise.all(texts.map((text) => engine.findToken(model, text)));
  return [info.eos, ...ids].filter((id) => id >= 0);
}

function request(tokens, maxTokens, more = {}) {
  lastJob += 1;
  return {
    ...{ session, job: lastJob, priority: Priority.keystroke, tokens, maxTokens, sampling: { banned } },
    ...more,
  };
}

const ignore = () => undefined;

/** As the product would be after this: the model is there and takes requests. */
async function open({ path, contextSize, threads, kernels, codec }) {
  ({ model, info } = await engine.load({ path, threads, ...(kernels && { kernels }) }));
  const loaded = memory();
  session = await engine.openSession(model, contextSize, codec);
  return loaded;
}

/** Runs a request and times its tokens from the first one that reaches JavaScript to the last. */
async function timed(job, limitMs = Infinity) {
  let seen = 0;
  let first = 0;
  let last = 0;
  const result = await engine.generate(job, (event) => {
    // Text that was held back comes with an event of its own, after the last token.
    if (event.kind === 'token' && seen < job.maxTokens) {
      seen += 1;
      last = performance.now();
      first ||= last;
      if (last - first > limitMs) {
        engine.cancel(job.job);
      }
    }
  });
  return { result, seen: result.tokens.length, ms: last - first };
}

const operations = {
  async tables() {
    return engine.kernelTables();
  },

  async memory() {
    return memory();
  },

  /** Milliseconds from nothing to ready, and what that takes at the most and for good. */
  async ready(options) {
    resetPeak();
    const base = memory();
    const start = performance.now();
    const loaded = await open(options);
    const ms = performance.now() - start;
    return { ms, selfTestMs, base, loaded, ready: memory(), kernels: info.kernels };
  },

  /** A fresh session; the model is loaded anew only where it must be. */
  async configure(options) {
    if (model !== undefined) {
      await engine.unload(model);
      other = undefined;
    }
    await open(options);
    banned = await endTokens();
    return { threads: info.threads, kernels: info.kernels, vocabulary: info.vocabSize };
  },

  async tokenize({ text }) {
    return engine.tokenize(model, text, false);
  },

  /** Milliseconds to evaluate a prompt, without logits; `fresh` insists that none of it was cached. */
  async prefill({ tokens, threads, fresh = true }) {
    const start = performance.now();
    const { reused, evaluated } = await engine.generate(request(tokens, 0, { threads }), ignore);
    const ms = performance.now() - start;
    if (fresh && (reused !== 0 || evaluated !== tokens.length)) {
      throw new Error(`evaluated ${evaluated} tokens and reused ${reused} of ${tokens.length}`);
    }
    return { ms };
  },

  /** Milliseconds until the first token of an answer to a fresh prompt is there. */
  async firstToken({ tokens }) {
    const start = performance.now();
    let ms;
    await engine.generate(request(tokens, 1), ({ kind }) => {
      ms ??= kind === 'token' ? performance.now() - start : undefined;
    });
    return { ms };
  },

  /**
   * Milliseconds from the first generated token to the last, as they reach JavaScript; or the engine's own figure, if that is
   * more (tokens that reach JavaScript in one go would look faster than they were). The prompt may be cached: it is not timed.
   */
  async decode({ tokens, count, threads, limitMs }) {
    const { result, seen, ms } = await timed(request(tokens, count, { threads }), limitMs);
    if (seen !== count && limitMs === undefined) {
      throw new Error(`${seen} tokens came, not ${count}`);
    }
    return { ms: Math.max(ms, result.decodeMs), steps: seen - 1 };
  },

  /** The same with an answer that is given, and prompt lookup or not. */
  async forced({ tokens, answer: forced, lookup }) {
    const job = request(tokens, forced.length, { forced, ...(lookup && { lookup }) });
    const { result, ms } = await timed(job);
    return {
      ...{ ms: Math.max(ms, result.decodeMs), steps: forced.length - 1 },
      // An engine without these options heeds neither, and says nothing of them.
      obeyed: result.tokens.length === forced.length && result.tokens.every((id, i) => id === forced[i]),
      ...{ batches: result.batches, drafted: result.drafted, accepted: result.accepted },
    };
  },

  /**
   * Cancels a prompt's evaluation after a while. Idle is when the request has been rejected and another job, handed in right
   * after the cancel, has been taken up. `late`: it had ended before.
   */
  async cancelPrefill({ tokens, afterMs }) {
    other ??= await engine.openSession(model, 8);
    const job = request(tokens, 0);
    let done = 0;
    let ended = false;
    let rejectedAt;
    const running = engine
      .generate(job, (event) => {
        done = event.kind === 'prefill' ? event.done : done;
      })
      .then(
        () => (ended = true),
        () => (rejectedAt = performance.now()),
      );
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    if (ended) {
      return { late: true };
    }
    const start = performance.now();
    engine.cancel(job.job);
    // In a session of its own, so that what has been evaluated stays.
    const next = engine.generate(request(tokens.slice(0, 1), 0, { session: other }), ignore);
    await running;
    const { queueMs } = await next;
    return rejectedAt === undefined
      ? { late: true }
      : { late: false, done, rejectedMs: rejectedAt - start, nextMs: queueMs };
  },

  /** Natural logarithms of the next token's probabilities after every position: a row of the vocabulary's size each. */
  async distributions({ tokens }) {
    const size = info.vocabSize;
    const rows = new Float32Array(tokens.length * size);
    // The text is the answer to its first token, so that every position says what may follow; what follows the last is not used.
    const job = request(tokens.slice(0, 1), tokens.length, {
      forced: [...tokens.slice(1), tokens[0]],
      sampling: { banned, topLogprobs: size },
    });
    let position = 0;
    await engine.generate(job, (event) => {
      if (event.kind === 'token' && event.top?.length === size && position < tokens.length) {
        for (const { id, logprob } of event.top) {
          rows[position * size + id] = logprob;
        }
        position += 1;
      }
    });
    if (position !== tokens.length) {
      throw new Error(`probabilities after ${position} of ${tokens.length} tokens`);
    }
    return rows;
  },

  async dispose() {
    await engine.dispose();
    setImmediate(() => process.disconnect());
    return null;
  },
};

answer(operations);
