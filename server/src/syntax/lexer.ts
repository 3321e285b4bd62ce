/**
 * Cuts text into code, strings and comments, from tables alone and in one pass. It knows no grammar, so it also works in the middle
 * of a line that is not finished, and on text that a model has just written.
 */
import type { Lexis, Quote } from './languages';

export type TextKind = 'code' | 'comment' | 'string';

/** What the text is in at some place, innermost last. Empty = code. */
export type LexState = readonly LexFrame[];
export type LexFrame =
  | { readonly in: 'line comment' }
  | { readonly in: 'block comment'; readonly close: string }
  | { readonly in: 'string'; readonly quote: Quote }
  | { readonly in: 'regex' }
  /** Code in a string, between `${` and `}`. `depth`: braces that are open in it. */
  | { readonly in: 'hole'; depth: number };

export function kindOf(state: LexState): TextKind {
  const frame = state[state.length - 1];
  if (frame === undefined || frame.in === 'hole') {
    return 'code';
  }
  return frame.in === 'line comment' || frame.in === 'block comment' ? 'comment' : 'string';
}

export interface LexVisitor {
  /** Of code: ( ) [ ] { }. The brackets of a hole are among them. */
  bracket?(char: string, at: number): void;
  /** A string or regular expression that began within the text. `end` is exclusive. */
  string?(start: number, end: number, closed: boolean): void;
  /** A line begins at `at` in this state. */
  line?(at: number, state: LexState): void;
}

export interface LexResult {
  readonly state: LexState;
  /** Of the last character that is neither white space nor comment; -1 = there is none. */
  readonly last: number;
  /** The same, not counting a string that ends there; for docstrings. */
  readonly lastBeforeString: number;
}

const newline = 10;
const backslash = 92;
const slash = 47;
/** After one of these a value may come: a `/` begins a regular expression. */
const beforeValue =
  /(?:[([{,;=:?!&|+\-*%^~<>]|\b(?:return|typeof|case|in|of|delete|void|throw|new|await|yield))$/;

function startsWithAny(text: string, at: number, words: readonly string[]): string | undefined {
  return words.find((word) => text.startsWith(word, at));
}

/** Characters at which something other than plain code may begin. */
const tables = new WeakMap<Lexis, Uint8Array>();

function tableOf(lexis: Lexis): Uint8Array {
  let table = tables.get(lexis);
  if (table === undefined) {
    table = new Uint8Array(128);
    const starts = [
      ...lexis.lineComments,
      ...lexis.blockComments.map(([open]) => open),
      ...lexis.quotes.map(({ open }) => open),
      ...(lexis.regex ? ['/'] : []),
      ...(lexis.raw === 'cpp' ? ['R"'] : lexis.raw === 'rust' ? ['r"', 'r#'] : []),
      ...['(', ')', '[', ']', '{', '}', '\n'],
    ];
    for (const start of starts) {
      table[start.charCodeAt(0)] = 1;
    }
    tables.set(lexis, table);
  }
  return table;
}

class Scanner {
  private readonly frames: LexFrame[];
  private readonly table: Uint8Array;
  /** Where each of the frames began; -1 = before this text. */
  private readonly begins: number[];
  private at: number;
  private last = -1;
  private lastBeforeString = -1;

  constructor(
    private readonly text: string,
    from: number,
    private readonly to: number,
    private readonly lexis: Lexis,
    state: LexState,
    private readonly visitor: LexVisitor,
    private readonly preceding: string,
  ) {
    this.at = from;
    this.table = tableOf(lexis);
    this.frames = state.map((frame) => (frame.in === 'hole' ? { ...frame } : frame));
    this.begins = state.map(() => -1);
  }

  run(): LexResult {
    while (this.at < this.to) {
      const frame = this.frames[this.frames.length - 1];
      if (frame === undefined || frame.in === 'hole') {
        this.code(frame);
      } else if (frame.in === 'line comment') {
        this.skipTo('\n');
      } else if (frame.in === 'block comment') {
        this.blockComment(frame.close);
      } else {
        this.string(frame.in === 'string' ? frame.quote : undefined);
      }
    }
    const open = this.frames.findIndex((frame, i) => isString(frame) && (this.begins[i] as number) >= 0);
    if (open >= 0) {
      this.visitor.string?.(this.begins[open] as number, this.to, false);
    }
    return { state: this.frames, last: this.last, lastBeforeString: this.lastBeforeString };
  }

  private push(frame: LexFrame, length: number): void {
    this.frames.push(frame);
    this.begins.push(this.at);
    this.at += length;
  }

  private pop(): number {
    this.frames.pop();
    return this.begins.pop() as number;
  }

  /** The end of a line, in whatever frame. */
  private nextLine(): void {
    this.at += 1;
    this.visitor.line?.(this.at, this.frames);
  }

  /** Ends a line comment. */
  private skipTo(end: string): void {
    const found = this.text.indexOf(end, this.at);
    this.at = found < 0 || found > this.to ? this.to : found;
    if (this.at < this.to) {
      this.pop();
    }
  }

  private blockComment(close: string): void {
    while (this.at < this.to) {
      if (this.text.startsWith(close, this.at)) {
        this.at += close.length;
        this.pop();
        return;
      }
      if (this.text.charCodeAt(this.at) === newline) {
        this.nextLine();
      } else {
        this.at += 1;
      }
    }
  }

  /** Of a string, or of a regular expression where `quote` is undefined. */
  private string(quote: Quote | undefined): void {
    let inClass = false;
    while (this.at < this.to) {
      const code = this.text.charCodeAt(this.at);
      if (code === newline && quote?.multiLine !== true) {
        this.endString(this.at, false);
        return;
      }
      if (code === newline) {
        this.nextLine();
      } else if (code === backslash && quote?.escapes !== false) {
        this.escaped();
      } else if (
        quote === undefined ? code === slash && !inClass : this.text.startsWith(quote.close, this.at)
      ) {
        this.at += quote === undefined ? 1 : quote.close.length;
        this.endString(this.at, true);
        return;
      } else if (quote?.holes === true && this.text.startsWith('${', this.at)) {
        this.visitor.bracket?.('{', this.at + 1);
        this.push({ in: 'hole', depth: 0 }, 2);
        return;
      } else {
        inClass = code === 91 || (inClass && code !== 93);
        this.at += 1;
      }
    }
  }

  private escaped(): void {
    this.at += 1;
    if (this.at < this.to) {
      if (this.text.charCodeAt(this.at) === newline) {
        this.nextLine();
      } else {
        this.at += 1;
      }
    }
  }

  private endString(end: number, closed: boolean): void {
    const start = this.pop();
    if (start >= 0) {
      this.visitor.string?.(start, end, closed);
    }
    this.last = end - 1;
  }

  private code(hole: { depth: number } | undefined): void {
    const { text, table, to } = this;
    let { at } = this;
    for (; at < to; at += 1) {
      const code = text.charCodeAt(at);
      if (code < 128 && table[code] === 1) {
        break;
      }
      if (code > 32) {
        this.last = at;
      }
    }
    this.at = at;
    if (at < to) {
      this.special(hole, text.charAt(at));
    }
  }

  private special(hole: { depth: number } | undefined, char: string): void {
    if (char === '\n') {
      this.nextLine();
      return;
    }
    if (this.comment() || this.opensString(char)) {
      return;
    }
    if (char === '}' && hole?.depth === 0) {
      this.visitor.bracket?.('}', this.at);
      this.pop();
      this.at += 1;
      return;
    }
    if (hole !== undefined) {
      hole.depth += char === '{' ? 1 : char === '}' ? -1 : 0;
    }
    this.last = this.at;
    if ('()[]{}'.includes(char)) {
      this.visitor.bracket?.(char, this.at);
    }
    this.at += 1;
  }

  private comment(): boolean {
    const { text, at, lexis } = this;
    const block = lexis.blockComments.find(([open]) => text.startsWith(open, at));
    if (block !== undefined) {
      this.push({ in: 'block comment', close: block[1] }, block[0].length);
      return true;
    }
    const line = startsWithAny(text, at, lexis.lineComments);
    if (
      line === undefined ||
      (line === '#' && lexis.spacedHash && at > 0 && !/\s/.test(text.charAt(at - 1)))
    ) {
      return false;
    }
    this.push({ in: 'line comment' }, line.length);
    return true;
  }

  private opensString(char: string): boolean {
    const { text, at, lexis } = this;
    const quote = this.rawQuote(char) ?? lexis.quotes.find(({ open }) => text.startsWith(open, at));
    if (quote !== undefined) {
      if (char === "'" && this.isNoQuote()) {
        return false;
      }
      this.lastBeforeString = this.last;
      this.push({ in: 'string', quote }, quote.open.length);
      return true;
    }
    if (char === '/' && lexis.regex && this.valueMayCome()) {
      this.lastBeforeString = this.last;
      this.push({ in: 'regex' }, 1);
      return true;
    }
    return false;
  }

  private rawQuote(char: string): Quote | undefined {
    const { text, at, lexis } = this;
    if (lexis.raw === undefined || (char !== 'R' && char !== 'r') || /\w/.test(text.charAt(at - 1))) {
      return undefined;
    }
    const head = text.slice(at, at + 24);
    const found = lexis.raw === 'cpp' ? /^R"([^()\\\s]{0,16})\(/.exec(head) : /^r(#*)"/.exec(head);
    if (found === null) {
      return undefined;
    }
    const [open, mark] = found as unknown as [string, string];
    const close = lexis.raw === 'cpp' ? `)${mark}"` : `"${mark}`;
    return { open, close, multiLine: true, escapes: false, holes: false };
  }

  /** Whether this `'` is no quote: of a lifetime, or between digits. */
  private isNoQuote(): boolean {
    const { text, at, lexis } = this;
    if (lexis.digitQuotes && /^[\da-f]'[\da-f]$/i.test(text.slice(at - 1, at + 2)) && at > 0) {
      return true;
    }
    return lexis.lifetimes && /^'[a-z_]\w*(?!['\w])/i.test(text.slice(at, at + 32));
  }

  private valueMayCome(): boolean {
    const before =
      this.last < 0 ? this.preceding.trimEnd() : this.text.slice(Math.max(0, this.last - 11), this.last + 1);
    return before === '' || beforeValue.test(before);
  }
}

function isString(frame: LexFrame): boolean {
  return frame.in === 'string' || frame.in === 'regex';
}

export interface ScanOptions {
  /** Offsets in the text; all of it when absent. */
  readonly from?: number;
  readonly to?: number;
  /** What the text is in at `from`; code when absent. */
  readonly state?: LexState;
  /** What stands before `from`: the last few characters of it; from the text when absent. */
  readonly preceding?: string;
}

export function scan(
  text: string,
  lexis: Lexis,
  visitor: LexVisitor = {},
  options: ScanOptions = {},
): LexResult {
  const { from = 0, to = text.length, state = [] } = options;
  const preceding = options.preceding ?? text.slice(Math.max(0, from - 64), from);
  return new Scanner(text, from, to, lexis, state, visitor, preceding).run();
}
