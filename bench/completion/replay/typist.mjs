/**
 * Writes recordings as a person types in VS Code: a key after the other with gaps of varying length, slips and their correction,
 * brackets and quotes that close by themselves and are typed over, lines that begin with the right indentation.
 */
import { Documents, isKey } from './format.mjs';
import { Random } from './random.mjs';

const closers = { '(': ')', '[': ']', '{': '}', "'": "'", '"': '"', '`': '`' };
/** What may stand behind the cursor where the editor closes a bracket: as its TypeScript grammar says. */
const closesBefore = /^(?:[;:.,=}\])>\s]|$)/;
const neighbours = 'qwertyuiopasdfghjklzxcvbnm';

/** Milliseconds: medians and spreads of log-normal gaps. */
const gaps = {
  letter: [120, 0.4],
  word: [170, 0.45],
  symbol: [190, 0.45],
  line: [500, 0.7],
  notice: [260, 0.4],
  backspace: [130, 0.3],
  /** Before one writes at another place. */
  think: [2500, 0.7],
};
const slips = 0.012;

export class Typist {
  events = [];
  /** Keystrokes so far. */
  keys = 0;
  #documents = new Documents();
  #random;
  #t = 0;
  /** Behind the cursor: what the editor has put there by itself and nobody has typed over so far. */
  #auto = '';
  /** Whether the line holds nothing but the indentation that the editor gave it. */
  #leaves = false;

  constructor(seed) {
    this.#random = new Random(seed);
  }

  get text() {
    return this.#documents.current.text;
  }

  get cursor() {
    return this.#documents.current.cursor;
  }

  /** Milliseconds since the beginning. */
  get now() {
    return this.#t;
  }

  openFile(doc, language, text) {
    this.#wait(...gaps.think);
    this.#add({ type: 'open', doc, language, text });
  }

  show(doc) {
    this.#wait(...gaps.think);
    this.#add({ type: 'show', doc });
  }

  close(doc) {
    this.#wait(...gaps.think);
    this.#add({ type: 'close', doc });
  }

  /** Thinks, then puts the cursor there. */
  goTo(to) {
    this.#wait(...gaps.think);
    if (to !== this.cursor) {
      this.#add({ type: 'move', to });
      this.#wait(...gaps.notice);
    }
  }

  /** Nothing happens for so long. */
  rest(ms) {
    this.#t += Math.round(ms);
  }

  /** Takes away what stands before the cursor: a few characters key by key, more as a selection. */
  erase(length) {
    if (length > 24) {
      this.#wait(...gaps.notice);
      this.#add({ type: 'edit', at: this.cursor - length, delete: length, by: 'command' });
      return;
    }
    for (let left = length; left > 0;) {
      const units = left > 1 && /[\udc00-\udfff]/.test(this.text[this.cursor - 1]) ? 2 : 1;
      this.#backspace(units);
      left -= units;
    }
  }

  /** Types the text. Behind it stands what stood behind the cursor before. */
  type(text) {
    this.#auto = '';
    this.#leaves = false;
    for (let i = 0; i < text.length;) {
      i += this.#step(text, i);
    }
    while (this.#auto !== '') {
      this.#wait(...gaps.backspace); // the key Delete
      this.#add({ type: 'edit', at: this.cursor, delete: 1 });
      this.#auto = this.#auto.slice(1);
    }
  }

  /** One key, or one move over what is there; how much of the text is written by it. */
  #step(text, i) {
    const char = text[i];
    const rest = text.slice(i);
    const overLine = /^\n[ \t]*[^\s]/.exec(this.#auto)?.[0];
    if (overLine !== undefined && rest.startsWith(overLine)) {
      this.#wait(...gaps.symbol);
      this.#add({ type: 'move', to: this.cursor + overLine.length });
      this.#auto = this.#auto.slice(overLine.length);
      return overLine.length;
    }
    if (char === '\n') {
      return this.#enter(rest);
    }
    if (this.#auto[0] === char && !/\s/.test(char)) {
      this.#wait(...gaps.symbol);
      this.#add({ type: 'edit', at: this.cursor, delete: 1, insert: char });
      this.#auto = this.#auto.slice(1);
      return 1;
    }
    return this.#key(char, rest);
  }

  #key(char, rest) {
    const before = this.text[this.cursor - 1] ?? '\n';
    const after = this.text.slice(this.cursor, this.cursor + 1);
    if (/[a-z]/.test(char) && this.#random.chance(slips)) {
      this.#slip(rest);
    }
    const pair = /\w/.test(char) && /\w/.test(before);
    this.#wait(...(pair ? gaps.letter : /[\w\s]/.test(char) ? gaps.word : gaps.symbol));
    const units = rest.codePointAt(0) > 0xffff ? 2 : 1;
    const inserted = rest.slice(0, units);
    const closer = closers[char];
    const quote = closer === char;
    const closes = closer !== undefined && closesBefore.test(after) && !(quote && /[\w'"`\\]/.test(before));
    if (closes) {
      this.#add({ type: 'edit', at: this.cursor, insert: char + closer, cursor: this.cursor + 1 });
      this.#auto = closer + this.#auto;
    } else {
      this.#add({ type: 'edit', at: this.cursor, insert: inserted });
    }
    return units;
  }

  /** A wrong letter, sometimes one more before it is noticed, and all of it taken back. */
  #slip(rest) {
    const more = this.#random.chance(0.4) ? /^[a-z]*/.exec(rest)[0].slice(0, 1) : '';
    for (const letter of this.#random.pick([...neighbours]) + more) {
      this.#wait(...gaps.letter);
      this.#add({ type: 'edit', at: this.cursor, insert: letter });
    }
    this.#wait(...gaps.notice);
    for (let i = 0; i <= more.length; i += 1) {
      this.#backspace(1);
    }
  }

  #backspace(count) {
    this.#wait(...gaps.backspace);
    this.#add({ type: 'edit', at: this.cursor - count, delete: count });
  }

  /** Enter, and what is needed until the line begins as the text has it; returns how much of the text that is. */
  #enter(rest) {
    const wanted = /^\n([ \t]*)/.exec(rest)[1];
    const { text, cursor } = this;
    const lineStart = text.lastIndexOf('\n', cursor - 1) + 1;
    const line = text.slice(lineStart, cursor);
    const indent = /^[ \t]*/.exec(line)[0];
    const last = line.trimEnd().slice(-1);
    const opens = last !== '' && '([{'.includes(last);
    const inside = opens ? `${indent}  ` : indent;
    // The editor takes away what it has put there itself.
    const blank = this.#leaves && line !== '' && line.trim() === '';
    const at = blank ? lineStart : cursor;
    const splits = opens && this.#auto[0] === closers[last];
    const below = splits ? `\n${indent}` : '';
    this.#wait(...gaps.line);
    const opened = `\n${inside}`;
    this.#add({
      ...{ type: 'edit', at, insert: opened + below, cursor: at + opened.length },
      ...(blank && { delete: line.length }),
    });
    this.#auto = below + this.#auto;
    this.#leaves = rest[1] === '\n'; // an empty line: its indentation stays until the next Enter takes it away
    return this.#leaves ? 1 : this.#indent(inside, wanted);
  }

  /** From the indentation that the editor gave to the one that is wanted. */
  #indent(given, wanted) {
    let common = 0;
    while (common < given.length && given[common] === wanted[common]) {
      common += 1;
    }
    for (let left = given.length - common; left > 0; left -= 2) {
      this.#backspace(Math.min(2, left));
    }
    for (let done = common; done < wanted.length; done += 2) {
      this.#wait(...gaps.symbol);
      this.#add({ type: 'edit', at: this.cursor, insert: wanted.slice(done, done + 2) });
    }
    return 1 + wanted.length;
  }

  #wait(median, sigma) {
    this.#t += Math.max(20, Math.min(20 * median, Math.round(this.#random.logNormal(median, sigma))));
  }

  #add(event) {
    const whole = { t: this.#t, ...event };
    this.#documents.apply(whole);
    this.events.push(whole);
    this.keys += isKey(whole) ? 1 : 0;
  }
}
