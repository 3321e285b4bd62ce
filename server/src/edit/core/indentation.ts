/** What lines are indented with, and what an indentation becomes elsewhere. White space that indents is spaces and tabs. */

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** Without trailing white space. No expression: those that end with "+$" take long for long lines. */
export function withoutTail(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) {
    end -= 1;
  }
  return line.slice(0, end);
}

/** Without indentation and trailing white space. */
export function contentOf(line: string): string {
  return withoutTail(line.slice(indentOf(line).length));
}

export const isBlank = (line: string): boolean => contentOf(line) === '';

/**
 * One step of indentation, where all indented lines agree: a tab, or so many spaces as divide all of them. Undefined where they do not, or there are none.
 * Lines that begin with "*" are not asked: in a comment they stand one space deeper than its first line.
 */
export function stepOf(lines: readonly string[]): string | undefined {
  const indents = lines
    .filter((line) => !/^[*]?$/.test(contentOf(line).slice(0, 1)))
    .map((line) => indentOf(line));
  const used = indents.filter((indent) => indent !== '');
  if (used.length > 0 && used.every((indent) => /^\t+$/.test(indent))) {
    return '\t';
  }
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  const width = used.every((indent) => /^ +$/.test(indent))
    ? used.reduce((common, indent) => divisor(common, indent.length), 0)
    : 0;
  return width > 1 ? ' '.repeat(width) : undefined;
}

/** Whole steps become steps of the other kind; what is left over aligns something, and stays. */
function inSteps(white: string, theirs: string, ours: string): string {
  let rest = white;
  let made = '';
  while (rest.startsWith(theirs)) {
    made += ours;
    rest = rest.slice(theirs.length);
  }
  return made + rest;
}

/**
 * Lines that are indented with spaces in a file that is indented with tabs, or the other way round, as the file has it. Lines that mix both, or files that
 * do, stay as they are: there is nothing to go by.
 */
export function asAround(lines: readonly string[], around: readonly string[]): readonly string[] {
  const [theirs, ours] = [stepOf(lines), stepOf(around)];
  if (theirs === undefined || ours === undefined || (theirs === '\t') === (ours === '\t')) {
    return lines;
  }
  return lines.map((line) => {
    const indent = indentOf(line);
    return isBlank(line) ? line : inSteps(indent, theirs, ours) + line.slice(indent.length);
  });
}

/** What the indentation of quoted lines stands for in the file. */
export class IndentMap {
  private constructor(
    /** By what was quoted, the shortest first. */
    private readonly known: readonly (readonly [string, string])[],
    /** One step in the quote and in the file; undefined = not known, or the same. */
    private readonly steps: readonly [string, string] | undefined,
  ) {}

  /**
   * Undefined where the lines are not indented alike: each indentation of the quote must stand for one of the file, and a deeper one for a deeper one.
   * `quoted` and `there` have the same contents. `steps`: one step, as the quote's author and as the file indents; undefined = not known.
   */
  static of(
    quoted: readonly string[],
    there: readonly string[],
    steps: { readonly theirs: string | undefined; readonly ours: string | undefined },
  ): IndentMap | undefined {
    const map = new Map<string, string>();
    for (const [index, line] of quoted.entries()) {
      if (isBlank(line)) {
        continue;
      }
      const [from, to] = [indentOf(line), indentOf(there[index] ?? '')];
      if ((map.get(from) ?? to) !== to) {
        return undefined;
      }
      map.set(from, to);
    }
    const known = [...map].sort(([a], [b]) => a.length - b.length);
    for (const [index, [from, to]] of known.entries()) {
      const [shorter, its] = known[index - 1] ?? ['', ''];
      const isDeeper =
        index === 0 || (from.startsWith(shorter) && to.startsWith(its) && to.length > its.length);
      if (!isDeeper) {
        return undefined;
      }
    }
    const { theirs, ours } = steps;
    return new IndentMap(known, theirs === undefined || ours === undefined ? undefined : [theirs, ours]);
  }

  /** Where a line with that indentation belongs in the file; undefined = nothing says. */
  at(indent: string): string | undefined {
    const nearest = this.known.findLast(([from]) => indent.startsWith(from));
    if (nearest !== undefined) {
      return nearest[1] + this.step(indent.slice(nearest[0].length));
    }
    // Less deep than all that was quoted: as much less deep in the file.
    const [from, to] = this.known[0] ?? ['', ''];
    const less = this.step(from.slice(indent.length));
    return from.startsWith(indent) && to.endsWith(less) ? to.slice(0, to.length - less.length) : undefined;
  }

  /** White space of the quote as the file has it. */
  private step(white: string): string {
    return this.steps === undefined ? white : inSteps(white, ...this.steps);
  }
}
