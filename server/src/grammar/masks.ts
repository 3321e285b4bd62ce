/**
 * Which tokens may come next: those whose bytes the grammar allows, and after which the text can still be completed with the tokens
 * that are left. So a text always ends well-formed: as the budget runs low, fewer and fewer choices remain, in the end only those of
 * the shortest closing.
 */
import type { Grammar } from './grammar';
import { dead, Machine, type State } from './machine';
import type { TokenTree } from './tokenTree';
import { shortBytes, type Vocabulary } from './vocabulary';

export interface Mask {
  /** Bit id % 32 of word id / 32 set = the token may come next. */
  readonly words: Int32Array;
  /** The text may end here. */
  readonly mayEnd: boolean;
}

interface Walked {
  readonly words: Int32Array;
  /** Of the tokens that may come: what is then needed at the most. With more left than that, it is right. */
  readonly costliest: number;
}

/** Masks take some kilobytes each; what was kept longest without being used goes first. */
const keptMasks = 64;

/** A grammar with a vocabulary. Keeps what it has found out. Throws GrammarError where the grammar cannot be followed. */
export class Masks {
  readonly machine: Machine;
  /** By state, all tokens; by shape (Machine.shape), the short ones. */
  private readonly all = new Map<State, Walked>();
  private readonly short = new Map<number, Walked>();
  private readonly path: Int32Array;

  constructor(
    grammar: Grammar,
    private readonly vocabulary: Vocabulary,
  ) {
    this.machine = new Machine(grammar, vocabulary, shortBytes);
    this.path = new Int32Array(Math.max(vocabulary.short.deepest, vocabulary.long.deepest) + 1);
  }

  /** Tokens that a text takes at least. */
  get least(): number {
    return this.machine.cost(this.machine.start);
  }

  /** `left`: tokens that may still be said, the next one included. */
  mask(state: State, left: number): Mask {
    const { machine, vocabulary } = this;
    const mayEnd = machine.accepts(state);
    const known = recall(this.all, state, left);
    if (known !== undefined) {
      return { words: known.words, mayEnd };
    }
    const shape = machine.shape(state);
    let short = recall(this.short, shape, left);
    if (short === undefined) {
      const words = new Int32Array((vocabulary.size + 31) >> 5);
      short = { words, costliest: this.walk(vocabulary.short, state, left, words) };
      keep(this.short, shape, short);
    }
    const words = short.words.slice();
    const costliest = Math.max(short.costliest, this.walk(vocabulary.long, state, left, words));
    keep(this.all, state, { words, costliest });
    return { words, mayEnd };
  }

  accept(state: State, token: number): State {
    return this.vocabulary.isControl(token) ? dead : this.machine.read(this.vocabulary.bytesOf(token), state);
  }

  /** Sets the bits of the tree's tokens that may come. Returns Walked.costliest, Infinity where some cost too much. */
  private walk(tree: TokenTree, state: State, left: number, words: Int32Array): number {
    const { machine, path } = this;
    const { nodes, byteOf, depth, token, after } = tree;
    const { twins } = this.vocabulary;
    const { classes, classCount } = machine;
    let { table, costs } = machine;
    let costliest = 0;
    path[0] = state;
    for (let node = 0; node < nodes;) {
      const level = depth[node] as number;
      const byte = byteOf[node] as number;
      const from = path[level - 1] as number;
      let next = table[from * classCount + (classes[byte] as number)] as number;
      if (next < 0) {
        next = machine.step(from, byte);
        ({ table, costs } = machine);
      }
      if (next === dead) {
        node = after[node] as number;
        continue;
      }
      path[level] = next;
      const id = token[node] as number;
      if (id >= 0) {
        const cost = costs[next] as number;
        if (cost < left) {
          costliest = cost > costliest ? cost : costliest;
          words[id >> 5] = (words[id >> 5] as number) | (1 << (id & 31));
          if (twins.size > 0) {
            for (const twin of twins.get(id) ?? []) {
              words[twin >> 5] = (words[twin >> 5] as number) | (1 << (twin & 31));
            }
          }
        } else {
          costliest = Infinity;
        }
      }
      node += 1;
    }
    return costliest;
  }
}

function recall(masks: Map<number, Walked>, key: number, left: number): Walked | undefined {
  const known = masks.get(key);
  if (known === undefined || known.costliest >= left) {
    return undefined;
  }
  masks.delete(key); // to the end of those that are kept
  masks.set(key, known);
  return known;
}

function keep(masks: Map<number, Walked>, key: number, mask: Walked): void {
  if (mask.costliest < Infinity) {
    masks.set(key, mask);
    if (masks.size > keptMasks) {
      const [oldest] = masks.keys();
      masks.delete(oldest ?? dead);
    }
  }
}
