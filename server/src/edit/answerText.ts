/**
 * What a small model's answer needs before it can take the place of the lines that it was asked for: lines around the range that it has said
 * again are taken off where that is certain, and it is moved to where the range stands. Pure; lines without their ends.
 */
import { indentOf, isBlank } from './lines';

export interface Surroundings {
  /** The lines that the answer takes the place of. */
  readonly original: readonly string[];
  /** The file's lines before and behind them. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Lines around the range that a model may say again. */
const mostRepeated = 12;
/** Signs that are no white space: two lines that agree in so many are no chance. */
const certainSigns = 12;

function balanceOf(lines: readonly string[]): number {
  const text = lines.join('\n');
  return (text.match(/[([{]/g) ?? []).length - (text.match(/[)\]}]/g) ?? []).length;
}

const signs = (lines: readonly string[]): number => lines.join('').replaceAll(/\s/g, '').length;
/** What stands above a block, and is never there twice in a row. */
const opensBlock = (line: string): boolean => /[{([:]\s*$/.test(line);

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line.trim() === b[i]?.trim());
}

/** The answer without the lines around the range that it begins and ends with. */
export function withoutRepeated(
  answer: readonly string[],
  { original, before, after }: Surroundings,
): readonly string[] {
  const wanted = balanceOf(original);
  let kept = answer;
  const isCertain = (repeated: readonly string[], rest: readonly string[]): boolean => {
    if (rest.every(isBlank) || repeated.every(isBlank)) {
      return false;
    }
    const mends =
      balanceOf(kept) !== wanted && Math.abs(balanceOf(rest) - wanted) < Math.abs(balanceOf(kept) - wanted);
    const isLong = repeated.filter((line) => !isBlank(line)).length >= 2 && signs(repeated) >= certainSigns;
    return mends || isLong || (repeated.length === 1 && opensBlock(repeated[0] ?? ''));
  };
  for (let count = Math.min(mostRepeated, kept.length - 1, before.length); count > 0; count -= 1) {
    const repeated = kept.slice(0, count);
    // What the range begins with itself is its own, the first time that it is said.
    const begins = original.slice(0, count);
    const isOwn = sameLines(repeated, begins) && !sameLines(kept.slice(count, 2 * count), begins);
    if (!isOwn && sameLines(repeated, before.slice(-count)) && isCertain(repeated, kept.slice(count))) {
      kept = kept.slice(count);
      break;
    }
  }
  for (let count = Math.min(mostRepeated, kept.length - 1, after.length); count > 0; count -= 1) {
    const repeated = kept.slice(-count);
    const ends = original.slice(-count);
    const isOwn = sameLines(repeated, ends) && !sameLines(kept.slice(-2 * count, -count), ends);
    if (!isOwn && sameLines(repeated, after.slice(0, count)) && isCertain(repeated, kept.slice(0, -count))) {
      kept = kept.slice(0, -count);
      break;
    }
  }
  return kept;
}

/** The answer moved sideways so that its first line stands where the range's first one did; as it is where that is not certain. */
export function atIndentOf(answer: readonly string[], original: readonly string[]): readonly string[] {
  const wanted = indentOf(original.find((line) => !isBlank(line)) ?? '');
  const first = indentOf(answer.find((line) => !isBlank(line)) ?? '');
  if (wanted === first || original.every(isBlank)) {
    return answer;
  }
  if (wanted.startsWith(first)) {
    const missing = wanted.slice(first.length);
    // A line that stands further left than the first one did not lose its indentation with it.
    const isWhole = answer.every((line) => isBlank(line) || line.startsWith(first));
    return isWhole ? answer.map((line) => (isBlank(line) ? line : missing + line)) : answer;
  }
  if (first.startsWith(wanted)) {
    const surplus = first.slice(wanted.length);
    const isWhole = answer.every((line) => isBlank(line) || line.startsWith(first));
    return isWhole
      ? answer.map((line) => (isBlank(line) ? line : wanted + line.slice(wanted.length + surplus.length)))
      : answer;
  }
  return answer;
}
