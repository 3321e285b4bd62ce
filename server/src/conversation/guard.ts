/**
 * Keeps texts that others wrote (users, files, tools) from becoming control tokens, and from being taken for a template's own words: its
 * roles, its thoughts, its tool calls. Such texts are marked before a template shows them; afterwards, wherever something guarded stands
 * in the whole text, marks within it tell that it is not, or not all of it, the template's. It is then broken: both sides are encoded
 * apart. All else is encoded as if the whole text had been.
 */
import type { SpecialToken } from '../engine';
import { mark, wellFormed, type Unmarked } from './marks';
import type { JsonValue } from './messages';

/** What templates of known families mark thoughts, tools and roles with, where a vocabulary has no token for it. */
const commonMarkers = [
  'think',
  'tools',
  'tool_call',
  'tool_calls',
  'tool_response',
  'function_call',
  'function_response',
].flatMap((name) => [`<${name}>`, `</${name}>`]);

/** A piece of the whole prompt. Pieces are encoded apart and joined. */
export interface Piece {
  readonly text: string;
  /** Control tokens that are written out in it are the template's, and meant. */
  readonly parseSpecial: boolean;
}

/** Words of JSON schemas and of definitions of functions: templates ask for them by name. Other keys are marked like any text. */
const schemaWords = new Set(
  (
    'type function name description parameters properties required items enum const default format title additionalProperties ' +
    'anyOf oneOf allOf not $ref $defs definitions return examples minimum maximum exclusiveMinimum exclusiveMaximum multipleOf ' +
    'minLength maxLength pattern minItems maxItems uniqueItems prefixItems nullable strict'
  ).split(' '),
);

/** Tokens that a vocabulary looks for in all texts are often nothing but spaces or words; those in brackets are markers. */
const bracketed = /^[<[({｜].*[>\])}｜]$/su;

export class Guard {
  private readonly guarded: RegExp;
  private readonly hinges: RegExp;
  private readonly single: ReadonlySet<string>;

  /** `markers`: more texts that are a template's alone. */
  constructor(specials: readonly SpecialToken[], markers: readonly string[] = []) {
    const texts = new Set([...commonMarkers, ...markers.map((text) => text.trim())]);
    for (const { text, inAllText } of specials) {
      if (!inAllText || bracketed.test(text)) {
        texts.add(text);
      }
    }
    texts.delete('');
    const all = [...texts].sort((a, b) => b.length - a.length);
    this.single = new Set(all.filter((text) => Array.from(text).length === 1));
    this.guarded = new RegExp(all.map(escaped).join('|'), 'g');
    const first = new Set(all.map((text) => String.fromCodePoint(text.codePointAt(0) ?? 0)));
    this.hinges = new RegExp([...first].map(escaped).join('|'), 'g');
  }

  /** Whether the text, as it stands, holds something guarded. Marks are characters here: marked text holds nothing. */
  holds(text: string): boolean {
    this.guarded.lastIndex = 0;
    return this.guarded.test(text);
  }

  /** The text with marks at both ends and behind every character that something guarded begins with; '' stays ''. */
  mark(text: string): string {
    if (text === '') {
      return '';
    }
    const marked = wellFormed(text).replace(this.hinges, (found) =>
      this.single.has(found) ? `${mark}${mark}${found}${mark}${mark}` : `${found}${mark}`,
    );
    return `${mark}${marked}${mark}`;
  }

  /** All strings in it, and all keys that are none of a schema's words. */
  markJson(value: JsonValue): JsonValue {
    if (typeof value === 'string') {
      return this.mark(value);
    }
    if (Array.isArray(value)) {
      return value.map((item: JsonValue) => this.markJson(item));
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    const entries = Object.entries(value).filter(([, item]) => item !== undefined) as [string, JsonValue][];
    return Object.fromEntries(
      entries.map(([key, item]) => [schemaWords.has(key) ? key : this.mark(key), this.markJson(item)]),
    );
  }

  /** The text cut where something guarded is not all the template's. */
  pieces({ text, marks }: Pick<Unmarked, 'text' | 'marks'>, begin = 0, end = text.length): Piece[] {
    const pieces: Piece[] = [];
    let from = begin;
    let next = 0;
    const cut = (to: number, parseSpecial = true): void => {
      if (to > from) {
        pieces.push({ text: text.slice(from, to), parseSpecial });
      }
      from = to;
    };
    this.guarded.lastIndex = begin;
    for (
      let match = this.guarded.exec(text);
      match !== null && match.index < end;
      match = this.guarded.exec(text)
    ) {
      const at = match.index;
      const after = at + match[0].length;
      while (next < marks.length && (marks[next] ?? 0) < at) {
        next += 1;
      }
      if (this.single.has(match[0])) {
        if (count(marks, at) >= 2 && count(marks, after) >= 2) {
          cut(at);
          cut(after, false);
        }
        continue;
      }
      let inside = next;
      while ((marks[inside] ?? Infinity) <= at) {
        inside += 1;
      }
      if ((marks[inside] ?? Infinity) < after) {
        const hinge = at + String.fromCodePoint(text.codePointAt(at) ?? 0).length;
        const alone = this.single.has(text.slice(at, hinge));
        if (alone) {
          cut(at);
        }
        cut(hinge, !alone);
        this.guarded.lastIndex = hinge;
      }
    }
    cut(end);
    return pieces;
  }
}

function count(sorted: readonly number[], value: number): number {
  return sorted.filter((item) => item === value).length;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
