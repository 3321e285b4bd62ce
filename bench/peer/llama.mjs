/**
 * The peer as a child process: loads a GGUF file with node-llama-cpp (llama.cpp, CPU only) and does what it is told over IPC.
 * Requests are { id, op, ...arguments }, answers { id, value } or { id, error }. See client.mjs for the other end.
 */
import { availableParallelism } from 'node:os';

let llama;
let model;
let context;
let sequence;

/** Greedy, and going on past the end of text, so that `count` alone decides how long it takes. */
const greedyOptions = { temperature: 0, yieldEogToken: true };

const operations = {
  async load({ path }) {
    const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
    llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.error,
      maxThreads: availableParallelism(),
    });
    model = await llama.loadModel({ modelPath: path, ignoreMemorySafetyChecks: true });
    return { release: llama.llamaCppRelease?.release ?? 'unknown', systemInfo: llama.systemInfo };
  },

  /** A fresh context with these settings; the one before is given up. */
  async configure({ contextSize, threads, flashAttention, batchSize }) {
    await context?.dispose();
    context = await model.createContext({
      contextSize,
      batchSize,
      flashAttention,
      threads: { ideal: threads, min: threads },
      ignoreMemorySafetyChecks: true,
    });
    sequence = context.getSequence();
    return { threads: context.currentThreads };
  },

  async tokenize({ text }) {
    return model.tokenize(text, true);
  },

  async greedy({ tokens, count }) {
    return (await timedGreedy(tokens, count)).tokens;
  },

  /** Milliseconds to evaluate a fresh prompt. No logits are asked for, which spares it the output head. */
  async prefill({ tokens }) {
    await sequence.clearHistory();
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens);
    const ms = performance.now() - start;
    if (sequence.nextTokenIndex !== tokens.length) {
      throw new Error(`evaluated ${sequence.nextTokenIndex} tokens, not ${tokens.length}`);
    }
    return { ms };
  },

  /** Milliseconds from the first generated token to the last. */
  async decode({ tokens, count }) {
    const { ms } = await timedGreedy(tokens, count);
    return { ms, steps: count - 1 };
  },

  async dispose() {
    await llama?.dispose();
    setImmediate(() => process.disconnect());
    return null;
  },
};

async function timedGreedy(prompt, count) {
  await sequence.clearHistory();
  const tokens = [];
  let first = 0;
  let last = 0;
  for await (const token of sequence.evaluate(prompt, greedyOptions)) {
    tokens.push(token);
    last = performance.now();
    first ||= last;
    if (tokens.length === count) {
      break;
    }
  }
  return { tokens, ms: last - first };
}

process.on('message', async ({ id, op, ...rest }) => {
  try {
    process.send({ id, value: await operations[op](rest) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
// The parent is gone or has had enough: nothing may outlive it.
process.on('disconnect', () => process.exit());
