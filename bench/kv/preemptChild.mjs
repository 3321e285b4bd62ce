/**
 * The engine of preempt.mjs in a process of its own, over the same path as in the product. Runs with tsx, because the port is
 * TypeScript.
 *
 *   preemptChild.mjs ADDON SELF-TEST-CHILD
 */
import { createNativeEngine } from '../../server/src/engine/index.ts';
import { Priority } from '../../server/src/engine/port.ts';
import { answer } from '../support/answer.mjs';

const [addonPath, selfTestChild] = process.argv.slice(2);
const engine = createNativeEngine({ addonPath, selfTestChild });
const codec = 'kv4';
let model;
let info;
let chat;
let keys;
let lastJob = 0;

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function request(session, priority, tokens, maxTokens) {
  lastJob += 1;
  return { session, job: lastJob, priority, tokens, maxTokens, sampling: { banned: [info.eos] } };
}

/** Milliseconds to the first token, and to the end. `cached`: as many tokens of the prompt have to be. */
async function keystroke(tokens, cached) {
  const start = performance.now();
  let first;
  const result = await engine.generate(request(keys, Priority.keystroke, tokens, 1), ({ kind }) => {
    first ??= kind === 'token' ? performance.now() - start : undefined;
  });
  if (cached !== undefined && result.reused !== cached) {
    throw new Error(`${result.reused} of ${cached} tokens were cached`);
  }
  const total = performance.now() - start;
  return { ms: first ?? total, total, queueMs: result.queueMs };
}

async function prompt(tokens) {
  const start = performance.now();
  const { reused, evaluated } = await engine.generate(
    request(chat, Priority.chat, tokens, 0),
    () => undefined,
  );
  if (reused !== 0 || evaluated !== tokens.length) {
    throw new Error(`evaluated ${evaluated} tokens and reused ${reused} of ${tokens.length}`);
  }
  return { ms: performance.now() - start };
}

answer({
  async open({ path, context }) {
    ({ model, info } = await engine.load({ path }));
    chat = await engine.openSession(model, context, codec);
    keys = await engine.openSession(model, context, codec);
    return { kernels: info.kernels, threads: info.threads };
  },

  async keystroke({ tokens, cached }) {
    return keystroke(tokens, cached);
  },

  async prompt({ tokens }) {
    return prompt(tokens);
  },

  /** A prompt, and keystrokes while it is evaluated, each `gapMs` behind the one before. Those that come too late do not count. */
  async interrupted({ tokens, keystrokes, cached }) {
    let ended = false;
    const running = prompt(tokens).finally(() => (ended = true));
    running.catch(() => undefined); // reported below
    const waits = [];
    const queued = [];
    let keystrokesMs = 0;
    for (const { gapMs, tokens: typed } of keystrokes) {
      await wait(gapMs);
      if (ended) {
        break;
      }
      const { ms, total, queueMs } = await keystroke(typed, cached);
      waits.push(ms);
      queued.push(queueMs);
      keystrokesMs += total;
    }
    const { ms } = await running;
    return { ms, waits, queued, keystrokesMs };
  },

  async dispose() {
    await engine.dispose();
    setImmediate(() => process.disconnect());
    return null;
  },
});
