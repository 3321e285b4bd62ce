/**
 * Lines of the same shape as the cursor's line so far, with other names in them: `this.height = height;` foretells how
 * `this.width = ` goes on. Names that differ are mapped (`height` to `width`, and with them the parts of longer names, `setHeight` to
 * `setWidth`), and the rest of the line is copied with the names changed.
 */
import { Kind, type Lexeme } from './lexemes';

export interface AlignedLine {
  /** The rest of the line, with names changed. */
  readonly rest: string;
  /** Lexemes of the cursor's line that are the same, and that were mapped. */
  readonly same: number;
  readonly mapped: number;
  /** How often a name was changed in `rest`. */
  readonly changed: number;
}

/** What makes `from` into `to`: the parts that differ. Undefined where they have nothing in common that is worth it. */
function difference(from: string, to: string): readonly [string, string] {
  const most = Math.min(from.length, to.length);
  let head = 0;
  while (head < most && from[head] === to[head]) {
    head += 1;
  }
  // Parts of names begin with a capital or behind a `_`: not in the middle of one.
  while (head > 0 && !startsPart(from, head)) {
    head -= 1;
  }
  let tail = 0;
  while (tail < most - head && from[from.length - 1 - tail] === to[to.length - 1 - tail]) {
    tail += 1;
  }
  while (tail > 0 && !(startsPart(from, from.length - tail) && startsPart(to, to.length - tail))) {
    tail -= 1;
  }
  return [from.slice(head, from.length - tail), to.slice(head, to.length - tail)];
}

function startsPart(name: string, at: number): boolean {
  return (
    at === 0 ||
    at === name.length ||
    /[A-Z0-9_$\-./'"]/.test(name[at] as string) ||
    /[_$\-./'"]/.test(name[at - 1] as string)
  );
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
const small = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

/** Replaces whole names, and parts of names. */
class Renaming {
  private readonly parts: (readonly [string, string])[] = [];
  private readonly whole = new Map<string, string>();

  /** False where it contradicts what is known. */
  add(from: string, to: string): boolean {
    const known = this.whole.get(from);
    if (known !== undefined) {
      return known === to;
    }
    this.whole.set(from, to);
    const [x, y] = difference(from, to);
    if (x.length >= 2 && y.length >= 1) {
      for (const change of [(t: string) => t, capital, small, (t: string) => t.toUpperCase()]) {
        this.parts.push([change(x), change(y)]);
      }
    }
    return true;
  }

  apply(name: string): string {
    const whole = this.whole.get(name);
    if (whole !== undefined) {
      return whole;
    }
    for (const [from, to] of this.parts) {
      for (let at = name.indexOf(from); at >= 0; at = name.indexOf(from, at + 1)) {
        if (startsPart(name, at) && startsPart(name, at + from.length)) {
          return name.slice(0, at) + to + name.slice(at + from.length);
        }
      }
    }
    return name;
  }
}

/** Fewer lexemes than these that are the same say nothing about the shape. */
const leastSame = 1;

/**
 * `line` as the continuation of `typed`, the cursor's line up to the cursor without its indentation; undefined where its shape is another.
 * `line` is without its indentation, too.
 */
export function alignLine(typed: readonly Lexeme[], line: readonly Lexeme[]): AlignedLine | undefined {
  if (typed.length === 0 || line.length < typed.length) {
    return undefined;
  }
  const renaming = new Renaming();
  let same = 0;
  let mapped = 0;
  let restOfLast = '';
  let changedInLast = 0;
  for (let i = 0; i < typed.length; i += 1) {
    const ours = typed[i] as Lexeme;
    const theirs = line[i] as Lexeme;
    const isLast = i === typed.length - 1;
    if (ours.text === theirs.text) {
      same += ours.kind === Kind.blank ? 0 : 1;
    } else if (ours.kind !== theirs.kind || ours.kind === Kind.other) {
      return undefined;
    } else if (ours.kind === Kind.blank) {
      continue;
    } else if (isLast && ours.kind !== Kind.number) {
      // Half a name can be the beginning of theirs, or of what the other names make of theirs.
      const renamed = ours.kind === Kind.word ? renaming.apply(theirs.text) : renameIn(theirs.text, renaming);
      const whole = [renamed, theirs.text].find((text) => text.startsWith(ours.text));
      if (whole !== undefined) {
        restOfLast = whole.slice(ours.text.length);
        changedInLast = whole === theirs.text ? 0 : 1;
      } else if (renaming.add(theirs.text, ours.text)) {
        mapped += 1;
      } else {
        return undefined;
      }
    } else if (renaming.add(theirs.text, ours.text)) {
      mapped += 1;
    } else {
      return undefined;
    }
  }
  if (same < leastSame || mapped === 0) {
    return undefined; // with nothing mapped it is an occurrence
  }
  let changed = changedInLast;
  let rest = restOfLast;
  for (const { kind, text } of line.slice(typed.length)) {
    const renamed =
      kind === Kind.word ? renaming.apply(text) : kind === Kind.string ? renameIn(text, renaming) : text;
    changed += renamed === text ? 0 : 1;
    rest += renamed;
  }
  return { rest: rest.trimEnd(), same, mapped, changed };
}

/** The words of a string, each on its own. */
function renameIn(text: string, renaming: Renaming): string {
  return renaming.apply(text) !== text
    ? renaming.apply(text)
    : text.replace(/[\p{L}_$][\p{L}\p{N}_$]*/gu, (word) => renaming.apply(word));
}
