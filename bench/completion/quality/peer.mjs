/**
 * The same file through llama.cpp (node-llama-cpp, ../../peer), asked as its users ask it. Greedy, as many tokens as the product, and
 * the first line is taken.
 *
 *   plain          256 lines before the cursor's line and 64 behind it, prefix first; what stands of the cursor's line comes after the
 *                  middle token, nothing of it where it is blank. That is what llama.vscode sends, without chunks of other files.
 *   suffix first   the same lines in the form that suits the embedded model best, with the file's path
 *   prefix only    nothing of what follows, the path before it
 *
 * No form heals tokens: llama.cpp does not.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../peer/client.mjs';
import { setUpPeer } from '../../peer/setup.mjs';
import { around, control, ends, fitted, forms } from './peerPrompt.mjs';
import { maxTokens } from './product.mjs';

class Peer {
  #child;
  #contextSize;
  #control = new Map();
  #ends = [];

  constructor(child, contextSize) {
    this.#child = child;
    this.#contextSize = contextSize;
  }

  async prepare() {
    for (const text of new Set([...Object.values(control), ...ends])) {
      const ids = await this.#child.ask('tokenize', { text });
      if (ids.length !== 1) {
        throw new Error(`${text} is no single token of this model`);
      }
      this.#control.set(text, ids);
    }
    this.#ends = ends.flatMap((text) => this.#control.get(text));
  }

  async #tokens(part) {
    const text = part.text ?? part.prefix ?? part.suffix;
    return text === undefined
      ? this.#control.get(part.control)
      : this.#child.ask('tokenize', { text, special: false });
  }

  /**
   * What is said at a cursor: the rest of its line.
   * @param {{ text: string, offset: number, path: string }} cut
   * @param {keyof forms} form
   */
  async complete(cut, form) {
    const place = around(cut);
    const parts = await Promise.all(
      forms[form](place, cut.path).map(async (part) => ({ ...part, tokens: await this.#tokens(part) })),
    );
    const tokens = fitted(parts, this.#contextSize - maxTokens);
    const said = await this.#child.ask('line', { tokens, count: maxTokens, ends: this.#ends });
    // Where the indentation was not sent, the answer begins with it.
    const text = place.line.trim() === '' ? said.trimStart() : said;
    return { text: text.split('\n')[0].trimEnd(), confidence: 0 };
  }

  async close() {
    await this.#child.close();
  }
}

/**
 * @param {string} model a GGUF file
 * @param {number} contextSize tokens
 */
export async function openPeer(root, model, contextSize) {
  setUpPeer();
  const child = new Child(join(root, 'bench', 'peer', 'llama.mjs'));
  try {
    const { release } = await child.ask('load', { path: model });
    // Its threads wait for each other without sleeping: with all cores a busy machine would take minutes for an answer.
    const threads = Math.ceil(availableParallelism() / 2);
    await child.ask('configure', { contextSize, threads, flashAttention: true });
    const peer = new Peer(child, contextSize);
    await peer.prepare();
    return Object.assign(peer, { release });
  } catch (error) {
    await child.close();
    throw error;
  }
}
