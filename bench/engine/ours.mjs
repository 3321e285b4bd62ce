/**
 * Our engine as a child process, over the same path as in the product: EnginePort, self-test, addon. Answers requests as
 * ../peer/llama.mjs does. Runs with tsx, because the port is TypeScript.
 */
import { createNativeEngine } from '../../server/src/engine/index.ts';
import { Priority } from '../../server/src/engine/port.ts'; // index.ts passes it on with "export *", which Node cannot see through

const engine = createNativeEngine({ addonPath: process.argv[2] });
let path;
let configured;
let model;
let info;
let session;
let banned;
let lastJob = 0;

/** Tokens at which the engine would stop, so that the count alone decides how long it takes. */
async function endTokens() {
  const texts = ['<|endoftext|>', '<|im_end|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'];
  const ids = await Promise.all(texts.map((text) => engine.findToken(model, text)));
  return [info.eos, ...ids].filter((id) => id >= 0);
}

function generate(tokens, maxTokens, onToken = () => undefined) {
  lastJob += 1;
  return engine.generate(
    { session, job: lastJob, priority: Priority.keystroke, tokens, maxTokens, sampling: { banned } },
    (event) => {
      if (event.kind === 'token') {
        onToken();
      }
    },
  );
}

const operations = {
  async load(request) {
    path = request.path;
    const table = (await engine.kernelTables()).find(({ supported, allowed }) => supported && allowed);
    return { kernels: table?.name };
  },

  async configure({ contextSize, threads }) {
    const wanted = `${contextSize} ${threads}`;
    if (wanted !== configured) {
      if (model !== undefined) {
        await engine.unload(model);
      }
      ({ model, info } = await engine.load({ path, threads }));
      session = await engine.openSession(model, contextSize);
      banned = await endTokens();
      configured = wanted;
    }
    return { threads: info.threads, kernels: info.kernels };
  },

  /** Milliseconds to evaluate a fresh prompt, the logits of its last token included. */
  async prefill({ tokens }) {
    const start = performance.now();
    const { reused, evaluated } = await generate(tokens, 0);
    const ms = performance.now() - start;
    if (reused !== 0 || evaluated !== tokens.length) {
      throw new Error(`evaluated ${evaluated} tokens and reused ${reused} of ${tokens.length}`);
    }
    return { ms };
  },

  /**
   * Milliseconds from the first generated token to the last, as they reach JavaScript; or the engine's own figure, if that is
   * more (tokens that reach JavaScript in one go would look faster than they were).
   */
  async decode({ tokens, count }) {
    let seen = 0;
    let first = 0;
    let last = 0;
    const { decodeMs } = await generate(tokens, count, () => {
      seen += 1;
      last = performance.now();
      first ||= last;
    });
    if (seen !== count) {
      throw new Error(`${seen} tokens came, not ${count}`);
    }
    return { ms: Math.max(last - first, decodeMs), steps: count - 1 };
  },

  async dispose() {
    await engine.dispose();
    setImmediate(() => process.disconnect());
    return null;
  },
};

process.on('message', async ({ id, op, ...rest }) => {
  try {
    process.send({ id, value: await operations[op](rest) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
// The parent is gone or has had enough: nothing may outlive it.
process.on('disconnect', () => process.exit());
