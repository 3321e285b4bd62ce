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
import { maxTokens } from './product.mjs';

const lines = { before: 256, behind: 64 };

/** Of the prompt's room, what text before the cursor may have: llama.cpp's server divides so. */
const prefixShare = 3 / 4;

const control = {
  prefix: '<|fim_prefix|>',
  suffix: '<|fim_suffix|>',
  middle: '<|fim_middle|>',
  file: '<|file_sep|>',
};
const ends = [
  '<|endoftext|>',
  '<|fim_prefix|>',
  '<|fim_suffix|>',
  '<|fim_middle|>',
  '<|fim_pad|>',
  '<|file_sep|>',
];

/** The lines around a cursor. */
export function around({ text, offset }) {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const earlier = before.slice(0, lineStart).split('\n'); // ends with '', behind the last line break
  return {
    earlier: earlier.slice(-(lines.before + 1)).join('\n'),
    line: before.slice(lineStart),
    behind: text
      .slice(offset)
      .split('\n')
      .slice(0, lines.behind + 1) // the rest of the cursor's line is no line of its own
      .join('\n'),
  };
}

/**
 * What a prompt consists of, in order: ids of control tokens, and texts with the side from which they may be cut. `prefix` loses its
 * beginning and `suffix` its end.
 */
export const forms = {
  plain: ({ earlier, line, behind }) => [
    ...[{ control: control.prefix }, { prefix: earlier }],
    ...[{ control: control.suffix }, { suffix: behind }],
    ...[{ control: control.middle }, { text: line.trim() === '' ? '' : line }],
  ],
  'suffix first': ({ earlier, line, behind }, path) => [
    ...[{ control: control.file }, { text: `${path}\n` }, { control: control.prefix }],
    ...[{ control: control.suffix }, { suffix: behind }],
    ...[{ control: control.middle }, { prefix: earlier + line }],
  ],
  'prefix only': ({ earlier, line }, path) => [
    ...[{ control: control.file }, { text: `${path}\n` }, { prefix: earlier + line }],
  ],
};

/**
 * The tokens of a prompt that leaves room for the answer.
 * @param {object[]} parts of a form, each with its `tokens`
 */
export function fitted(parts, room) {
  const count = (kind) =>
    parts.filter((part) => kind in part).reduce((sum, { tokens }) => sum + tokens.length, 0);
  const left = room - count('control') - count('text');
  const forSuffix = Math.min(
    count('suffix'),
    Math.max(left - count('prefix'), Math.floor(left * (1 - prefixShare))),
  );
  return parts.flatMap((part) => {
    if ('prefix' in part) {
      const most = left - forSuffix;
      return part.tokens.slice(Math.max(0, part.tokens.length - most));
    }
    return 'suffix' in part ? part.tokens.slice(0, forSuffix) : part.tokens;
  });
}

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
