/** What stands around a change in its line, and what several changes have in common there. */
import { isBlank, isWord, tokensOf, type Token } from './tokens';

/** Tokens without white space, the nearest first; an end of the line counts as one. */
export interface Surroundings {
  readonly left: readonly string[];
  readonly right: readonly string[];
  /** The call in whose arguments it stands: what is called, and where among them; '' = in none, or they do not agree. */
  readonly call: string;
}

const lineEnd = '\n';
const mostTokens = 10;
/** Tokens before a place within which the bracket is looked for that it stands in. */
const mostBack = 300;

export class Tokens {
  readonly list: readonly Token[];
  private readonly byStart = new Map<number, number>();

  constructor(readonly text: string) {
    this.list = tokensOf(text);
    this.list.forEach(({ start }, index) => {
      this.byStart.set(start, index);
    });
  }

  /** The index of the token that begins at an offset; undefined where it would cut one. */
  at(offset: number): number | undefined {
    return offset === this.text.length ? this.list.length : this.byStart.get(offset);
  }

  textAt(index: number): string {
    return this.list[index]?.text ?? lineEnd;
  }

  /** From a border between two tokens in one direction. */
  private side(from: number, step: 1 | -1, most = mostTokens): string[] {
    const found: string[] = [];
    for (let i = from; found.length < most; i += step) {
      const text = this.textAt(i);
      if (text.includes('\n')) {
        found.push(lineEnd);
        break;
      }
      if (!isBlank(text)) {
        found.push(text);
      }
    }
    return found;
  }

  /** `start` and `end`: offsets; undefined where they cut tokens. */
  around(start: number, end: number): Surroundings | undefined {
    const [first, behind] = [this.at(start), this.at(end)];
    return first === undefined || behind === undefined
      ? undefined
      : { left: this.side(first - 1, -1), right: this.side(behind, 1), call: this.callAround(first, behind) };
  }

  /** Whether a place has what `wanted` has. The nearest tokens are looked at first: most places end there. */
  fit(start: number, end: number, wanted: Surroundings): boolean {
    const [first, behind] = [this.at(start), this.at(end)];
    return (
      first !== undefined &&
      behind !== undefined &&
      beginsWith(this.side(first - 1, -1, wanted.left.length), wanted.left) &&
      beginsWith(this.side(behind, 1, wanted.right.length), wanted.right) &&
      (wanted.call === '' || wanted.call === this.callAround(first, behind))
    );
  }

  private callAround(first: number, behind: number): string {
    let depth = 0;
    let commas = 0;
    for (let i = first - 1; i >= 0 && i > first - mostBack; i -= 1) {
      const text = this.textAt(i);
      if (/^[)\]}]$/.test(text)) {
        depth += 1;
      } else if (/^[([{]$/.test(text)) {
        if (depth === 0) {
          const callee = this.textAt(i - 1);
          const next = this.side(behind, 1).find((one) => one !== lineEnd) ?? '';
          const place = next === ')' ? 'last' : String(commas);
          return text === '(' && isWord(callee) ? `${callee} ${place}` : '';
        }
        depth -= 1;
      } else if (depth === 0 && text === ',') {
        commas += 1;
      }
    }
    return '';
  }
}

function beginsWith(list: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((text, i) => text === list[i]);
}

function commonBeginning(lists: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...others] = lists;
  let length = 0;
  while (length < first.length && others.every((list) => list[length] === first[length])) {
    length += 1;
  }
  return first.slice(0, length);
}

export function commonSurroundings(all: readonly Surroundings[]): Surroundings {
  const calls = new Set(all.map(({ call }) => call));
  return {
    left: commonBeginning(all.map(({ left }) => left)),
    right: commonBeginning(all.map(({ right }) => right)),
    call: calls.size === 1 ? ([...calls][0] as string) : '',
  };
}

/** How much surroundings say: a word 2, an end of the line or another character 1, a call 3. */
export function weightOf({ left, right, call }: Surroundings, removed: string): number {
  const tokens = [...left, ...right, ...tokensOf(removed).map(({ text }) => text)].filter(
    (text) => text === lineEnd || !isBlank(text),
  );
  return tokens.reduce((sum, text) => sum + (isWord(text) && text.length > 1 ? 2 : 1), call === '' ? 0 : 3);
}
