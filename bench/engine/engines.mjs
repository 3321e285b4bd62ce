/** The engines as the parts use them: processes that are started, asked and always ended, and the peer's best settings. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Child } from '../peer/client.mjs';

/** A part cannot measure what it wants to; the reason goes into the report, and its bars do not hold. */
export class Short extends Error {}

export const cores = availableParallelism();

/** Thread counts that may serve the peer best: with all cores it suffers most when one of them is taken away. */
export const peerThreads = [...new Set([cores, Math.ceil(cores / 2)])];

let prompts = 0;
/** Ids that all vocabularies have. No two prompts begin alike, so that no engine can reuse one for another. */
export function freshPrompt(length) {
  prompts += 1;
  return Array.from({ length }, (_, i) => 300 + ((prompts * 7919 + i * 104_729) % 15_000));
}

export const speed = ({ ms, steps }) => (steps / ms) * 1000;

export class Engines {
  #root;
  #addonPath;
  #selfTestChild;
  #running = new Set();

  constructor({ root, addonPath, selfTestChild }) {
    this.#root = root;
    this.#addonPath = addonPath;
    this.#selfTestChild = selfTestChild;
  }

  #start(script, args, options) {
    const child = new Child(join(this.#root, script), args, options);
    this.#running.add(child);
    return child;
  }

  /** Our engine in a process of its own; `kernels` as NIWAKI_CPU, absent = what the product would choose. */
  ours(kernels) {
    const env = { ...process.env, ...(kernels && { NIWAKI_CPU: kernels }) };
    return this.#start('bench/engine/ours.mjs', [this.#addonPath, this.#selfTestChild], {
      ...{ cwd: this.#root, execArgv: ['--import', 'tsx'], env },
    });
  }

  /**
   * Our engine with a model. A table that cannot run here is short with the reason: NIWAKI_CPU is a cap, and a weaker table
   * must not stand in for the one that is named.
   */
  async oursWith(options, kernels) {
    const child = this.ours(kernels);
    let about;
    try {
      about = await child.ask('configure', options);
    } catch (error) {
      await this.close(child);
      throw new Short(String(error.message).split('\n')[0]);
    }
    if (kernels !== undefined && about.kernels !== kernels) {
      await this.close(child);
      throw new Short(`the kernels "${kernels}" do not run on this CPU (it would take "${about.kernels}")`);
    }
    return Object.assign(child, { kernels: about.kernels, threads: about.threads });
  }

  peer() {
    return this.#start('bench/peer/llama.mjs', [], {});
  }

  /** The peer with a model, and with the settings of a context that were best in a trial. */
  async peerWith(path, contextSize, trial, threadCounts = peerThreads) {
    const child = this.peer();
    const { release } = await child.ask('load', { path });
    let chosen;
    for (const threads of threadCounts) {
      for (const flashAttention of [false, true]) {
        const settings = { contextSize, threads, flashAttention };
        await child.ask('configure', settings);
        const value = await trial(child);
        if (chosen === undefined || value > chosen.value) {
          chosen = { value, settings };
        }
      }
    }
    await child.ask('configure', chosen.settings);
    return Object.assign(child, { release, settings: chosen.settings });
  }

  async close(child) {
    this.#running.delete(child);
    await child.close();
  }

  /** Ends what a part left behind. */
  async closeAll() {
    await Promise.all([...this.#running].map((child) => this.close(child)));
  }
}

/** Decoding speed without its sampling loop: a few tokens, the better of two tries. */
export const decodeTrial = (count) => async (peer) => {
  const tokens = freshPrompt(8);
  const once = async () => speed(await peer.ask('decode', { tokens, count, clock: 'engine' }));
  return Math.max(await once(), await once());
};

/** Evaluating a short prompt: the better of two tries, after something that warms up. */
export const prefillTrial = (length) => async (peer) => {
  const once = async (count) => {
    const { ms } = await peer.ask('prefill', { tokens: freshPrompt(count) });
    return (count / ms) * 1000;
  };
  await once(8);
  return Math.max(await once(length), await once(length));
};

export function settingsText({ threads, flashAttention }) {
  return `${threads} thread${threads === 1 ? '' : 's'}${flashAttention ? ', flash attention' : ''}`;
}
