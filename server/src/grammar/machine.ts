/**
 * Reads a text byte by byte and knows what may come next. A state is the set of all ways in which the text so far can be understood,
 * each a stack of what has yet to come (Brzozowski's derivatives of regular expressions, 1964, with rules that are taken apart as they
 * are met). Equal stacks and equal states are one object each, so that a step that was taken once is a look-up from then on: in the
 * end a deterministic automaton of what was visited.
 */
import type { Grammar } from './grammar';
import { isLineEnd, mayEndAt } from './lines';
import { byteCosts, Nodes, type Costs, type Node } from './nodes';
import { sayShortest } from './shortest';

/** A number; `dead`: no text that begins so follows the grammar. */
export type State = number;
export const dead: State = 0;

interface Cell {
  readonly id: number;
  /** Undefined: the text is complete. */
  readonly node: Node | undefined;
  readonly next: Cell | undefined;
  /** Tokens that it takes at least to be done with it, and all behind it. */
  readonly cost: number;
}

const unknown = -1;

export class Machine {
  readonly start: State;
  private readonly nodes: Nodes;
  private readonly cells = new Map<string, Cell>();
  private readonly cellShapes = new Map<Cell, number>();
  private readonly stateShapes = new Map<State, number>();
  private readonly shapes = new Map<string, number>();
  private readonly end: Cell = { id: 0, node: undefined, next: undefined, cost: 0 };
  private readonly states = new Map<string, State>();
  private readonly stacks: (readonly Cell[])[] = [];
  private stateCosts = new Float64Array(64);
  /** [256]: bytes that the grammar never tells from each other are of one class. */
  readonly classes = new Uint8Array(256);
  readonly classCount: number;
  /** [states * classCount]: where a byte of the class leads; -1 = nobody has asked yet. Another array when it grows. */
  private transitions: Int32Array;
  /** Of each class: the bytes. */
  private readonly members: number[][];

  /** Throws GrammarError where the grammar cannot be followed. */
  constructor(
    grammar: Grammar,
    costs: Costs = byteCosts,
    private readonly shapeBytes = 0,
  ) {
    this.nodes = new Nodes(grammar, costs);
    const borders = new Set([0]);
    for (const [low, high] of this.nodes.ranges()) {
      borders.add(low).add(high + 1);
    }
    let last = -1;
    this.members = [];
    for (let byte = 0; byte < 256; byte += 1) {
      last += borders.has(byte) ? 1 : 0;
      this.classes[byte] = last;
      (this.members[last] ??= []).push(byte);
    }
    this.classCount = last + 1;
    this.transitions = new Int32Array(64 * this.classCount).fill(unknown);
    this.intern([]); // dead
    const cells = new Map<number, Cell>();
    this.expand(this.nodes.root, this.end, cells, new Set());
    this.start = this.intern([...cells.values()]);
  }

  /** How many states there are so far. */
  get size(): number {
    return this.stacks.length;
  }

  /** The table behind `step`, for loops that look up millions of steps; valid until the next call that takes a new one. */
  get table(): Int32Array {
    return this.transitions;
  }

  step(state: State, byte: number): State {
    const at = state * this.classCount + (this.classes[byte] ?? 0);
    const known = this.transitions[at] ?? unknown;
    return known === unknown ? this.takeStep(state, byte, at) : known;
  }

  /** The state after all the bytes. */
  read(bytes: Iterable<number>, from: State = this.start): State {
    let state = from;
    for (const byte of bytes) {
      if (state === dead) {
        break;
      }
      state = this.step(state, byte);
    }
    return state;
  }

  /** Whether the text may end here. */
  accepts(state: State): boolean {
    return this.stacks[state]?.includes(this.end) ?? false;
  }

  /** How many tokens it takes at least to complete the text; Infinity for `dead`. */
  cost(state: State): number {
    return this.stateCosts[state] ?? Infinity;
  }
  /** [states]: the same, for loops. Another array when it grows. */
  get costs(): Float64Array {
    return this.stateCosts;
  }

  /**
   * A number that states share which allow the same texts of up to `shapeBytes` bytes, at the same costs behind them: those that
   * differ only in how much more often than that something may be repeated.
   */
  shape(state: State): number {
    let shape = this.stateShapes.get(state);
    if (shape === undefined) {
      const shapes = new Set((this.stacks[state] ?? []).map((cell) => this.cellShape(cell)));
      shape = this.numberOf(`s${[...shapes].sort((a, b) => a - b).join()}`);
      this.stateShapes.set(state, shape);
    }
    return shape;
  }

  private cellShape(cell: Cell): number {
    let shape = this.cellShapes.get(cell);
    if (shape === undefined) {
      const { node, next } = cell;
      // Every round takes a byte at least, or is as good as none.
      const many = node?.op === 'repeat' && node.most > Math.max(node.least, this.shapeBytes + 1);
      const what = many ? `${String(node.of.id)}*${String(node.least)}` : String(node?.id);
      shape = this.numberOf(`${what},${String(next === undefined ? -1 : this.cellShape(next))}`);
      this.cellShapes.set(cell, shape);
    }
    return shape;
  }

  private numberOf(key: string): number {
    const known = this.shapes.get(key) ?? this.shapes.size;
    this.shapes.set(key, known);
    return known;
  }

  /** The only byte that may come next; undefined = none or several may, or the text may end. */
  onlyByte(state: State): number | undefined {
    if (this.accepts(state)) {
      return undefined;
    }
    let only: number | undefined;
    for (const members of this.members) {
      const byte = members[0] ?? 0;
      if (this.step(state, byte) === dead) {
        continue;
      }
      if (only !== undefined || members.length > 1) {
        return undefined;
      }
      only = byte;
    }
    return only;
  }

  /** The shortest text, by tokens, that completes the one so far; undefined for `dead`. */
  shortest(state: State): Uint8Array | undefined {
    const stacks = this.stacks[state] ?? [];
    let best = stacks[0];
    for (const stack of stacks) {
      best = best === undefined || stack.cost < best.cost ? stack : best;
    }
    if (best === undefined) {
      return undefined;
    }
    const bytes: number[] = [];
    for (let cell: Cell | undefined = best; cell?.node !== undefined; cell = cell.next) {
      sayShortest(this.nodes, cell.node, bytes);
    }
    return Uint8Array.from(bytes);
  }

  // ------------------------------------------------------------------------------------------------------------------ steps

  private takeStep(state: State, byte: number, at: number): State {
    const cells = new Map<number, Cell>();
    const seen = new Set<number>();
    for (const cell of this.stacks[state] ?? []) {
      this.consume(cell, byte, cells, seen);
    }
    const next = this.intern([...cells.values()]);
    this.transitions[at] = next;
    return next;
  }

  private consume({ node, next }: Cell, byte: number, cells: Map<number, Cell>, seen: Set<number>): void {
    if (node === undefined || next === undefined) {
      return;
    }
    switch (node.op) {
      case 'byte':
        if (byte >= node.low && byte <= node.high) {
          this.expandCell(next, cells, seen);
        }
        return;
      case 'literal':
        if (node.bytes[node.at] === byte) {
          this.expand(this.nodes.literalFrom(node, node.at + 1), next, cells, seen);
        }
        return;
      case 'free':
        this.consumeFree(node, next, byte, cells, seen);
        return;
      case 'lines': {
        const { text, places, lines } = node;
        const inLine = places.filter((place) => !isLineEnd(text, place) && text.bytes[place] === byte);
        const after = places.filter((place) => place + 1 < text.bytes.length && isLineEnd(text, place));
        this.expandLines(node, inLine, lines, next, cells, seen);
        if (text.bytes[after[0] ?? text.bytes.length] === byte && lines > 0) {
          this.expandLines(node, after, lines - 1, next, cells, seen);
        }
        return;
      }
      case 'empty':
      case 'sequence':
      case 'choice':
      case 'repeat':
      case 'rule':
      case 'pieces':
        return; // taken apart before they come to be on top
    }
  }

  private expandLines(
    node: Extract<Node, { op: 'lines' }>,
    places: readonly number[],
    lines: number,
    next: Cell,
    cells: Map<number, Cell>,
    seen: Set<number>,
  ): void {
    if (places.length > 0) {
      const later = places.map((place) => place + 1);
      this.expand(this.nodes.lines(node.text, later, lines, node.said + 1), next, cells, seen);
    }
  }

  /** Of tags' beginnings no more is remembered than what may still become one (Knuth, Morris and Pratt 1977). */
  private consumeFree(
    node: Extract<Node, { op: 'free' }>,
    next: Cell,
    byte: number,
    cells: Map<number, Cell>,
    seen: Set<number>,
  ): void {
    let begun = node.begun + String.fromCharCode(byte);
    while (begun !== '' && !node.tags.some(({ begin }) => begin.startsWith(begun))) {
      begun = begun.slice(1);
    }
    const tag = node.tags.find(({ begin }) => begin === begun);
    if (tag === undefined) {
      this.expand(this.nodes.free(node.tags, begun, node.required), next, cells, seen);
    } else {
      this.expand(tag.then, this.cell(this.nodes.free(node.tags, '', false), next), cells, seen);
    }
  }

  /** Takes a node apart until what is on top reads a byte, or nothing is left. */
  private expand(node: Node, next: Cell, cells: Map<number, Cell>, seen: Set<number>): void {
    switch (node.op) {
      case 'empty':
        this.expandCell(next, cells, seen);
        return;
      case 'sequence':
        this.expand(node.first, this.cell(node.rest, next), cells, seen);
        return;
      case 'choice':
        for (const part of node.of) {
          this.expand(part, next, cells, seen);
        }
        return;
      case 'rule':
        this.expand(this.nodes.ruleBody(node.name), next, cells, seen);
        return;
      case 'repeat': {
        const cell = this.cell(node, next);
        if (seen.has(cell.id)) {
          return;
        }
        seen.add(cell.id);
        if (node.least === 0) {
          this.expandCell(next, cells, seen);
        }
        const rest = this.nodes.repeat(node.of, Math.max(0, node.least - 1), node.most - 1);
        this.expand(node.of, rest.op === 'empty' ? next : this.cell(rest, next), cells, seen);
        return;
      }
      case 'byte':
      case 'literal': {
        const cell = this.cell(node, next);
        if (cell.cost < Infinity) {
          cells.set(cell.id, cell);
        }
        return;
      }
      case 'free':
      case 'lines': {
        const cell = this.cell(node, next);
        if (!seen.has(cell.id)) {
          seen.add(cell.id);
          cells.set(cell.id, cell);
          if (node.op === 'lines') {
            this.expandLineEnd(node, next, cells, seen);
          } else if (!node.required) {
            this.expandCell(next, cells, seen);
          }
        }
        return;
      }
      case 'pieces': {
        this.expandCell(next, cells, seen);
        const lines = this.nodes.pieceLines(node.text, node.from);
        if (lines !== undefined && node.text.piece !== undefined) {
          this.expand(node.text.piece.begin, this.cell(lines, next), cells, seen);
        }
        return;
      }
    }
  }

  /** What may follow where the run of lines may end. Of a run that names its place there is one such place at the most. */
  private expandLineEnd(
    { text, places, said }: Extract<Node, { op: 'lines' }>,
    next: Cell,
    cells: Map<number, Cell>,
    seen: Set<number>,
  ): void {
    const end = places.find((place) => mayEndAt(text, place, said));
    if (end === undefined) {
      return;
    }
    if (text.piece === undefined) {
      this.expandCell(next, cells, seen);
    } else {
      this.expand(text.piece.then, this.cell(this.nodes.pieces(text, end + 1), next), cells, seen);
    }
  }

  private expandCell(cell: Cell, cells: Map<number, Cell>, seen: Set<number>): void {
    if (cell.node === undefined || cell.next === undefined) {
      cells.set(cell.id, cell);
    } else {
      this.expand(cell.node, cell.next, cells, seen);
    }
  }

  private cell(node: Node, next: Cell): Cell {
    const key = `${String(node.id)},${String(next.id)}`;
    let cell = this.cells.get(key);
    if (cell === undefined) {
      cell = { id: this.cells.size + 1, node, next, cost: node.cost + next.cost };
      this.cells.set(key, cell);
    }
    return cell;
  }

  private intern(cells: Cell[]): State {
    cells.sort((a, b) => a.id - b.id);
    const key = cells.map((cell) => cell.id).join();
    let state = this.states.get(key);
    if (state === undefined) {
      state = this.stacks.length;
      this.states.set(key, state);
      this.stacks.push(cells);
      if ((state + 1) * this.classCount > this.transitions.length) {
        const grown = new Int32Array(2 * this.transitions.length).fill(unknown);
        grown.set(this.transitions);
        this.transitions = grown;
      }
      if (state >= this.stateCosts.length) {
        const grown = new Float64Array(2 * this.stateCosts.length);
        grown.set(this.stateCosts);
        this.stateCosts = grown;
      }
      this.stateCosts[state] = Math.min(Infinity, ...cells.map((cell) => cell.cost));
    }
    return state;
  }
}
