/**
 * A notation for grammars, a rule after the other: `name ::= expression`. Expressions: "text" with the escapes \n \t \r \\ \" \xAB
 * \uABCD, [a-z] and [^a-z] for one character (with the same escapes, and \] \- \^), names of rules, (groups), `|` between choices, and
 * behind anything ? * + {2} {2,} {2,5}. What follows # on a line is a comment. A rule ends where the next one begins.
 */
import { GrammarError, type Expression, type Grammar } from './grammar';

/** `root`: the rule that the whole text follows. Throws GrammarError with the line that is wrong. */
export function parseEbnf(source: string, root = 'root'): Grammar {
  const grammar = { root, rules: new Reader(source).rules() };
  if (!Object.hasOwn(grammar.rules, root)) {
    throw new GrammarError(`The grammar has no rule "${root}".`);
  }
  return grammar;
}

const name = /[A-Za-z_][\w-]*/y;
const head = /[A-Za-z_][\w-]*\s*::=/y;
const blank = /(?:\s|#[^\n]*)*/y;
const times = /\{\s*(\d+)\s*(,?)\s*(\d*)\s*\}/y;
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

class Reader {
  private at = 0;

  constructor(private readonly source: string) {}

  rules(): Record<string, Expression> {
    const rules: Record<string, Expression> = {};
    this.skip();
    while (this.at < this.source.length) {
      const found = this.match(head)?.[0].replace(/\s*::=$/, '');
      if (found === undefined) {
        throw this.error('a rule ("name ::= …") is expected');
      }
      if (Object.hasOwn(rules, found)) {
        throw this.error(`the rule "${found}" is there twice`);
      }
      rules[found] = this.choice();
    }
    return rules;
  }

  private choice(): Expression {
    const parts = [this.sequence()];
    while (this.take('|')) {
      parts.push(this.sequence());
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'choice', of: parts };
  }

  private sequence(): Expression {
    const parts: Expression[] = [];
    for (let part = this.repeated(); part !== undefined; part = this.repeated()) {
      parts.push(part);
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'sequence', of: parts };
  }

  private repeated(): Expression | undefined {
    let found = this.single();
    while (found !== undefined) {
      const range = this.match(times);
      if (range !== undefined) {
        const [, low = '0', comma, high] = range;
        const most = comma === '' ? Number(low) : high === '' ? undefined : Number(high);
        found = { kind: 'repeat', of: found, least: Number(low), ...(most === undefined ? {} : { most }) };
      } else if (this.take('?')) {
        found = { kind: 'repeat', of: found, least: 0, most: 1 };
      } else if (this.take('*')) {
        found = { kind: 'repeat', of: found, least: 0 };
      } else if (this.take('+')) {
        found = { kind: 'repeat', of: found, least: 1 };
      } else {
        break;
      }
      this.skip();
    }
    return found;
  }

  private single(): Expression | undefined {
    this.skip();
    if (this.take('"')) {
      let text = '';
      while (!this.take('"')) {
        text += this.character('"');
      }
      this.skip();
      return { kind: 'text', text };
    }
    if (this.take('[')) {
      return this.class();
    }
    if (this.take('(')) {
      const inner = this.choice();
      if (!this.take(')')) {
        throw this.error('a ")" is missing');
      }
      this.skip();
      return inner;
    }
    head.lastIndex = this.at;
    const found = head.test(this.source) ? undefined : this.match(name)?.[0];
    this.skip();
    return found === undefined ? undefined : { kind: 'rule', name: found };
  }

  private class(): Expression {
    const except = this.take('^');
    const ranges: [number, number][] = [];
    while (!this.take(']')) {
      const from = this.character(']').codePointAt(0) ?? 0;
      const isRange = this.source[this.at] === '-' && this.source[this.at + 1] !== ']';
      this.at += isRange ? 1 : 0;
      const to = isRange ? (this.character(']').codePointAt(0) ?? 0) : from;
      if (to < from) {
        throw this.error('a range of characters ends before it begins');
      }
      ranges.push([from, to]);
    }
    this.skip();
    return except ? { kind: 'character', ranges, except } : { kind: 'character', ranges };
  }

  private character(end: string): string {
    const [character = ''] = this.source.slice(this.at, this.at + 2);
    if (character === '' || character === '\n') {
      throw this.error(`a ${end} is missing`);
    }
    this.at += character.length;
    if (character !== '\\') {
      return character;
    }
    const [sign = ''] = this.source.slice(this.at, this.at + 2);
    this.at += sign.length;
    const digits = sign === 'x' ? 2 : sign === 'u' ? 4 : 0;
    const code = this.source.slice(this.at, this.at + digits);
    this.at += digits;
    if (digits > 0) {
      if (!/^[0-9a-fA-F]+$/.test(code) || code.length < digits) {
        throw this.error(`\\${sign} needs ${String(digits)} hexadecimal digits`);
      }
      return String.fromCodePoint(Number.parseInt(code, 16));
    }
    return escapes[sign] ?? sign;
  }

  private skip(): void {
    this.match(blank);
  }

  private take(sign: string): boolean {
    const is = this.source.startsWith(sign, this.at);
    this.at += is ? sign.length : 0;
    return is;
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source) ?? undefined;
    this.at += found?.[0].length ?? 0;
    return found;
  }

  private error(what: string): GrammarError {
    const line = this.source.slice(0, this.at).split('\n').length;
    return new GrammarError(`The grammar cannot be read: ${what} (line ${String(line)}).`);
  }
}
