/**
 * Grammars as the machine reads them: expressions over bytes, checked, with what it costs at least to say each of them. Costs are
 * counted in tokens, so they depend on the vocabulary; without one every byte counts as a token.
 */
import { GrammarError, type Expression, type Grammar } from './grammar';
import { costToEnd, readLines, type Lines } from './lines';
import { normalRanges, utf8Sequences } from './utf8';

export interface Costs {
  /** [bytes.length + 1]: how many tokens it takes at least to say the bytes from there on. */
  literal(bytes: Uint8Array): ArrayLike<number>;
  /** A byte within [low, high] that is a token by itself; undefined = there is none. */
  byte(low: number, high: number): number | undefined;
}

/** What fills a text up to its least length: letters and digits rather than signs. */
const liked = [...Buffer.from('a0 _-')];
export function likedByte(low: number, high: number): number {
  return liked.find((byte) => byte >= low && byte <= high) ?? low;
}
export const byteCosts: Costs = {
  literal: (bytes) => Array.from({ length: bytes.length + 1 }, (_, i) => bytes.length - i),
  byte: likedByte,
};

interface Common {
  /** Unique in its machine. */
  readonly id: number;
  /** Tokens that it takes at least; Infinity = it cannot be said. */
  cost: number;
}
export interface FreeTag {
  readonly begin: string;
  readonly beginCost: ArrayLike<number>;
  readonly then: Node;
}
export type Node = Common &
  (
    | { readonly op: 'empty' }
    | { readonly op: 'byte'; readonly low: number; readonly high: number; readonly shown: number }
    | {
        readonly op: 'literal';
        readonly bytes: Uint8Array;
        readonly costs: ArrayLike<number>;
        readonly at: number;
      }
    | { readonly op: 'sequence'; readonly first: Node; readonly rest: Node }
    | { readonly op: 'choice'; readonly of: readonly Node[] }
    | { readonly op: 'repeat'; readonly of: Node; readonly least: number; readonly most: number }
    | { readonly op: 'rule'; readonly name: string }
    /** `begun`: what it has said of tags' beginnings, a character a byte. */
    | {
        readonly op: 'free';
        readonly tags: readonly FreeTag[];
        readonly begun: string;
        readonly required: boolean;
      }
    /**
     * `places`: where in the text its next byte may stand, ascending; `lines` may begin after the one it is in. `said`: bytes since the first
     * line's beginning, where it matters, 0 otherwise.
     */
    | {
        readonly op: 'lines';
        readonly text: Lines;
        readonly places: readonly number[];
        readonly lines: number;
        readonly said: number;
      }
    /** Runs that begin at `from` or behind it. */
    | { readonly op: 'pieces'; readonly text: Lines; readonly from: number }
  );

const lineFeed = 10;

type Body<T> = T extends unknown ? Omit<T, 'id' | 'cost'> : never;

/** Makes nodes, equal ones once. */
export class Nodes {
  private readonly known = new Map<string, Node>();
  private readonly texts = new Map<string, { bytes: Uint8Array; costs: ArrayLike<number>; number: number }>();
  private readonly tagLists: (readonly FreeTag[])[] = [];
  private readonly lineTexts: Lines[] = [];
  private readonly rules = new Map<string, Node>();
  readonly empty: Node;
  readonly root: Node;

  /** Throws GrammarError. */
  constructor(
    private readonly grammar: Grammar,
    private readonly costs: Costs,
  ) {
    this.empty = this.make('', { op: 'empty' });
    this.root = this.rule(grammar.root);
    for (const [name, expression] of Object.entries(grammar.rules)) {
      this.rules.set(name, this.compile(expression));
    }
    this.settleCosts();
    for (const name of Object.keys(grammar.rules)) {
      this.checkLeft(name, name, new Set());
    }
    if (this.root.cost === Infinity) {
      throw new GrammarError(
        `No text follows the grammar: its rule "${grammar.root}" never comes to an end.`,
      );
    }
  }

  ruleBody(name: string): Node {
    return this.rules.get(name) ?? this.empty;
  }
  /** `at` bytes of it have been said. */
  literalFrom(node: Extract<Node, { op: 'literal' }>, at: number): Node {
    const { bytes, costs } = node;
    return at === bytes.length ? this.empty : this.literalAt(bytes, costs, at);
  }
  repeat(of: Node, least: number, most: number): Node {
    return most === 0
      ? this.empty
      : this.make(`r${String(of.id)},${String(least)},${String(most)}`, { op: 'repeat', of, least, most });
  }
  free(tags: readonly FreeTag[], begun: string, required: boolean): Node {
    const list = this.tagLists.indexOf(tags);
    return this.make(`f${String(list)},${String(required)},${begun}`, { op: 'free', tags, begun, required });
  }
  lines(of: Lines, places: readonly number[], lines: number, said: number): Node {
    const number = this.lineTexts.indexOf(of);
    const counted = of.certain === undefined ? 0 : said;
    // Many places at once are those where all lines begin, or what a byte or two have left of them.
    return this.make(`l${String(number)},${String(lines)},${String(counted)},${places.join()}`, {
      op: 'lines',
      text: of,
      places,
      lines,
      said: counted,
    });
  }
  /** The pieces behind one that ends before `from`. */
  pieces(text: Lines, from: number): Node {
    const number = this.lineTexts.indexOf(text);
    return this.make(`p${String(number)},${String(from)}`, { op: 'pieces', text, from });
  }
  /** A run of lines of such a piece, wherever it may begin; undefined = nowhere. */
  pieceLines(text: Lines, from: number): Node | undefined {
    const starts = text.starts.filter((start) => start >= from);
    return starts.length === 0 ? undefined : this.lines(text, starts, text.most - 1, 0);
  }

  /** All bytes that somewhere are told from others, as [low, high]. */
  *ranges(): Iterable<readonly [number, number]> {
    for (const node of this.known.values()) {
      if (node.op === 'byte') {
        yield [node.low, node.high];
      }
    }
    const bytes = [
      ...[...this.texts.values()].map((known) => known.bytes),
      ...this.lineTexts.map((lines) => lines.bytes),
      ...this.tagLists.flatMap((tags) => tags.map(({ begin }) => Buffer.from(begin, 'latin1'))),
      Uint8Array.of(lineFeed),
    ];
    const seen = new Set(bytes.flatMap((each) => [...each]));
    for (const byte of seen) {
      yield [byte, byte];
    }
  }

  private make(key: string, body: Body<Node>): Node {
    let node = this.known.get(key);
    if (node === undefined) {
      node = { ...body, id: this.known.size, cost: Infinity };
      node.cost = this.costOf(node);
      this.known.set(key, node);
    }
    return node;
  }

  private rule(name: string): Node {
    if (!Object.hasOwn(this.grammar.rules, name)) {
      throw new GrammarError(`The grammar has no rule "${name}".`);
    }
    return this.make(`n${name}`, { op: 'rule', name });
  }

  private literalAt(bytes: Uint8Array, costs: ArrayLike<number>, at: number): Node {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const number = this.texts.get(key)?.number ?? -1;
    return this.make(`t${String(number)},${String(at)}`, { op: 'literal', bytes, costs, at });
  }

  private literal(text: string): Node {
    const bytes = Buffer.from(text);
    const key = bytes.toString('latin1');
    let known = this.texts.get(key);
    if (known === undefined) {
      known = { bytes, costs: this.costs.literal(bytes), number: this.texts.size };
      this.texts.set(key, known);
    }
    return bytes.length === 0 ? this.empty : this.literalAt(known.bytes, known.costs, 0);
  }

  private sequence(nodes: readonly Node[]): Node {
    return nodes.reduceRight(
      (rest, first) =>
        rest === this.empty
          ? first
          : this.make(`s${String(first.id)},${String(rest.id)}`, { op: 'sequence', first, rest }),
      this.empty,
    );
  }

  private choice(of: readonly Node[]): Node {
    return of.length === 1 && of[0] !== undefined
      ? of[0]
      : this.make(`c${of.map((node) => node.id).join()}`, { op: 'choice', of });
  }

  private byte(low: number, high: number): Node {
    const shown = this.costs.byte(low, high) ?? -1;
    return this.make(`b${String(low)},${String(high)}`, { op: 'byte', low, high, shown });
  }

  private compile(expression: Expression): Node {
    switch (expression.kind) {
      case 'text':
        return this.literal(expression.text);
      case 'character': {
        const sequences = normalRanges(expression.ranges, expression.except ?? false).flatMap(([from, to]) =>
          utf8Sequences(from, to),
        );
        return this.choice(
          sequences.map((bytes) => this.sequence(bytes.map(([low, high]) => this.byte(low, high)))),
        );
      }
      case 'sequence':
        return this.sequence(expression.of.map((part) => this.compile(part)));
      case 'choice':
        return this.choice(expression.of.map((part) => this.compile(part)));
      case 'repeat': {
        const { least, most = Infinity } = expression;
        if (!(
          Number.isInteger(least) &&
          least >= 0 &&
          most >= least &&
          (most === Infinity || Number.isInteger(most))
        )) {
          throw new GrammarError(`Nothing can be repeated ${String(least)} to ${String(most)} times.`);
        }
        return this.repeat(this.compile(expression.of), least, most);
      }
      case 'rule':
        return this.rule(expression.name);
      case 'free':
        return this.freeText(expression);
      case 'lines':
        return this.linesOf(expression);
      case 'pieces':
        return this.piecesOf(expression);
    }
  }

  private freeText({ tags, required = false }: Extract<Expression, { kind: 'free' }>): Node {
    tags.forEach(({ begin }, i) => {
      const other = tags.find((tag, k) => k !== i && tag.begin.includes(begin));
      if (begin === '' || other !== undefined) {
        throw new GrammarError(
          begin === ''
            ? 'A tag begins with nothing: it needs a text by which it is recognised.'
            : `The tag "${begin}" is a part of "${other?.begin ?? ''}": they cannot be told from each other.`,
        );
      }
    });
    const list = tags.map(({ begin, then }) => {
      const bytes = Buffer.from(begin);
      return {
        begin: bytes.toString('latin1'),
        beginCost: this.costs.literal(bytes),
        then: this.compile(then),
      };
    });
    this.tagLists.push(list);
    return this.free(list, '', required);
  }

  private linesOf({ of, most = Infinity, unique = false }: Extract<Expression, { kind: 'lines' }>): Node {
    const lines = this.textLines(of, { unique, most });
    if (lines.starts.length === 0) {
      throw new GrammarError(
        of === ''
          ? 'There are no lines to choose from: the text is empty.'
          : 'There are no lines to choose from: none stands at one place of the text alone.',
      );
    }
    this.lineTexts.push(lines);
    return this.lines(lines, lines.starts, most - 1, 0);
  }

  private piecesOf({ of, most = Infinity, begin, then }: Extract<Expression, { kind: 'pieces' }>): Node {
    const piece = { begin: this.compile(begin), then: this.compile(then) };
    const lines = { ...this.textLines(of, { unique: true, most }), piece };
    this.lineTexts.push(lines);
    return this.pieces(lines, 0);
  }

  private textLines(of: string, options: { readonly unique: boolean; readonly most: number }): Lines {
    return readLines(Buffer.from(of), (bytes) => this.costs.literal(bytes), options);
  }

  private costOf(node: Node): number {
    switch (node.op) {
      case 'empty':
        return 0;
      case 'byte':
        return node.shown < 0 ? Infinity : 1;
      case 'literal':
        return node.costs[node.at] ?? 0;
      case 'sequence':
        return node.first.cost + node.rest.cost;
      case 'choice':
        return Math.min(Infinity, ...node.of.map((part) => part.cost));
      case 'repeat':
        return node.least === 0 ? 0 : node.least * node.of.cost;
      case 'rule':
        return this.rules.get(node.name)?.cost ?? Infinity;
      case 'free':
        return node.required ? Math.min(Infinity, ...node.tags.map((tag) => tagCost(tag, node.begun))) : 0;
      case 'lines': {
        const { text, places, said } = node;
        const lines = places.reduce(
          (least, place) => Math.min(least, costToEnd(text, place, said)),
          Infinity,
        );
        return lines + (text.piece?.then.cost ?? 0);
      }
      case 'pieces':
        return 0;
    }
  }

  /** Rules may use each other, and themselves: costs fall until nothing changes any more. */
  private settleCosts(): void {
    for (let changed = true; changed;) {
      changed = false;
      for (const node of this.known.values()) {
        const cost = this.costOf(node);
        changed ||= cost < node.cost;
        node.cost = cost;
      }
    }
  }

  /** A rule that begins with itself would never get to a byte. */
  private checkLeft(start: string, name: string, seen: Set<string>): void {
    if (seen.has(name)) {
      return;
    }
    seen.add(name);
    for (const next of this.leftRules(this.ruleBody(name))) {
      if (next === start) {
        throw new GrammarError(
          `The rule "${start}" begins with itself (left recursion). Write it with a repetition instead.`,
        );
      }
      this.checkLeft(start, next, seen);
    }
  }

  private leftRules(node: Node): string[] {
    switch (node.op) {
      case 'rule':
        return [node.name];
      case 'sequence':
        return [
          ...this.leftRules(node.first),
          ...(this.isNullable(node.first) ? this.leftRules(node.rest) : []),
        ];
      case 'choice':
        return node.of.flatMap((part) => this.leftRules(part));
      case 'repeat':
        return this.leftRules(node.of);
      case 'empty':
      case 'byte':
      case 'literal':
      case 'free':
      case 'lines':
        return [];
      case 'pieces':
        return node.text.piece === undefined ? [] : this.leftRules(node.text.piece.begin);
    }
  }

  /** What costs nothing is what may be nothing: every byte costs a token. */
  private isNullable(node: Node): boolean {
    return node.cost === 0;
  }
}

export function tagCost({ begin, beginCost, then }: FreeTag, begun: string): number {
  const said = begin.startsWith(begun) ? begun.length : 0;
  return Math.min(beginCost[0] ?? 0, beginCost[said] ?? 0) + then.cost;
}
