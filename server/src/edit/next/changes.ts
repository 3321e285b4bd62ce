/** What became of a text, token by token. */
import { isBlank, runsBetween, tokensOf, type Run, type Token } from './tokens';

/** Tokens of a line, or of a few lines, that were replaced by others. Offsets of the text as it is now. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  /** '' = it is an insertion. */
  readonly removed: string;
  /** What stands from `start` to `end` now. */
  readonly inserted: string;
}

/** Lines that were replaced by others at once. */
interface LineRun {
  readonly before: string;
  readonly after: string;
  /** Offset of `after` in the text as it is now. */
  readonly at: number;
}

/** Tokens of one run of lines. Whoever changes more writes anew. */
const mostTokens = 600;
/** Runs of lines between two texts: more were not made by hand. */
const mostRuns = 200;

function linesWithBreaks(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function lineRuns(before: string, after: string): LineRun[] | undefined {
  const [a, b] = [linesWithBreaks(before), linesWithBreaks(after)];
  const runs = runsBetween(a, b);
  if (runs === undefined || runs.length > mostRuns) {
    return undefined;
  }
  const offsets: number[] = [0];
  for (const line of b) {
    offsets.push((offsets.at(-1) as number) + line.length);
  }
  return runs.flatMap(({ startA, endA, startB, endB }) => {
    // As many as before: each has become the one in its place.
    if (endA - startA === endB - startB) {
      return a.slice(startA, endA).map((line, i) => ({
        before: line,
        after: b[startB + i] as string,
        at: offsets[startB + i] as number,
      }));
    }
    return [
      {
        before: a.slice(startA, endA).join(''),
        after: b.slice(startB, endB).join(''),
        at: offsets[startB] as number,
      },
    ];
  });
}

/** Runs with nothing but white space between them are one. */
function joined(runs: readonly Run[], a: readonly Token[]): Run[] {
  const found: Run[] = [];
  for (const run of runs) {
    const last = found.at(-1);
    const between = last && a.slice(last.endA, run.startA);
    if (last !== undefined && between?.every(({ text }) => isBlank(text) && !text.includes('\n')) === true) {
      found[found.length - 1] = { ...last, endA: run.endA, endB: run.endB };
    } else {
      found.push(run);
    }
  }
  return found;
}

/** Where the same insertion or deletion can be seen in several ways, the first one. */
function leftmost(run: Run, a: readonly Token[], b: readonly Token[]): Run {
  let { startA, endA, startB, endB } = run;
  const insertion = startA === endA;
  const deletion = startB === endB;
  while (
    (insertion && startA > 0 && startB > 0 && a[startA - 1]?.text === b[endB - 1]?.text) ||
    (deletion && startA > 0 && startB > 0 && b[startB - 1]?.text === a[endA - 1]?.text)
  ) {
    [startA, endA, startB, endB] = [startA - 1, endA - 1, startB - 1, endB - 1];
  }
  return { startA, endA, startB, endB };
}

function replacementsIn({ before, after, at }: LineRun): Replacement[] {
  const [a, b] = [tokensOf(before), tokensOf(after)];
  if (a.length > mostTokens || b.length > mostTokens) {
    return [];
  }
  const runs = runsBetween(
    a.map(({ text }) => text),
    b.map(({ text }) => text),
  );
  const offset = (tokens: readonly Token[], index: number, text: string): number =>
    tokens[index]?.start ?? text.length;
  return joined(runs ?? [], a)
    .map((run) => leftmost(run, a, b))
    .map(({ startA, endA, startB, endB }) => ({
      start: at + offset(b, startB, after),
      end: at + offset(b, endB, after),
      removed: before.slice(offset(a, startA, before), offset(a, endA, before)),
      inserted: after.slice(offset(b, startB, after), offset(b, endB, after)),
    }));
}

/** In the order of the text. Undefined where too much was changed to be compared. */
export function replacementsBetween(before: string, after: string): Replacement[] | undefined {
  return before === after ? [] : lineRuns(before, after)?.flatMap(replacementsIn);
}
