/**
 * Guides one text: is told which tokens were said, and says which ones may be next, or must. What must be is said at once
 * ("jump-forward"): it is evaluated in one batch. Its last token is left to the model, which may prefer one that reaches further.
 */
import { dead, type State } from './machine';
import type { Mask, Masks } from './masks';

export interface GuideStep {
  /** To be said next, whatever the model would choose. */
  readonly forced: readonly number[];
  /** What may be after them; behind the first one: after the draft's first token, its first two and so on. */
  readonly masks: readonly Mask[];
}

export interface GuideOptions {
  /** Tokens as the model was trained to see them. */
  readonly tokenize: (text: string) => readonly number[];
  /** False: nothing is forced. */
  readonly jump: boolean;
}

/** Shorter ones are no quicker than to choose them one by one. */
const leastJump = 2;

export class Guide {
  private state: State;
  private left = 0;

  constructor(
    private readonly masks: Masks,
    private readonly options: GuideOptions,
  ) {
    this.state = masks.machine.start;
  }

  /** Tokens that the text takes at least. */
  get least(): number {
    return this.masks.least;
  }

  /** Undefined: not even the shortest text fits into `tokens`. */
  begin(tokens: number): GuideStep | undefined {
    this.state = this.masks.machine.start;
    this.left = tokens;
    return this.masks.least > tokens ? undefined : this.next([]);
  }

  /** Throws when a token was said that was not allowed. */
  tell(said: readonly number[], draft: readonly number[]): GuideStep {
    for (const token of said) {
      this.state = this.masks.accept(this.state, token);
      this.left -= 1;
    }
    if (this.state === dead) {
      throw new Error('A token was said that was not allowed. Please report this.');
    }
    return this.next(draft);
  }

  private next(draft: readonly number[]): GuideStep {
    const forced = this.options.jump ? this.forced() : [];
    for (const token of forced) {
      this.state = this.masks.accept(this.state, token);
      this.left -= 1;
    }
    if (forced.length > 0 || this.left <= 0) {
      return { forced, masks: this.left > 0 ? [this.masks.mask(this.state, this.left)] : [] };
    }
    const masks = [this.masks.mask(this.state, this.left)];
    let state = this.state;
    for (const [i, token] of draft.entries()) {
      const may = ((masks[i]?.words[token >> 5] ?? 0) & (1 << (token & 31))) !== 0;
      state = may ? this.masks.accept(state, token) : dead;
      if (state === dead || this.left - masks.length <= 0) {
        break;
      }
      masks.push(this.masks.mask(state, this.left - masks.length));
    }
    return { forced, masks };
  }

  private forced(): readonly number[] {
    const { machine } = this.masks;
    const bytes: number[] = [];
    let state = this.state;
    for (let byte = machine.onlyByte(state); byte !== undefined; byte = machine.onlyByte(state)) {
      bytes.push(byte);
      state = machine.step(state, byte);
    }
    const text = Buffer.from(bytes).toString();
    if (bytes.length < leastJump || text.includes('\ufffd')) {
      return []; // begins or ends within a character
    }
    const isEnd = machine.accepts(state) && this.isOver(state);
    const all = this.options.tokenize(text);
    const forced = isEnd ? all : all.slice(0, -1);
    return forced.length >= leastJump && this.fits(forced) ? forced : [];
  }

  private isOver(state: State): boolean {
    return this.masks.mask(state, Infinity).words.every((word) => word === 0);
  }

  /** Whether the text can be completed behind them; the model's own tokens may be more than the fewest. */
  private fits(tokens: readonly number[]): boolean {
    let { state } = this;
    for (const token of tokens) {
      state = this.masks.accept(state, token);
    }
    return state !== dead && this.masks.machine.cost(state) <= this.left - tokens.length;
  }
}
