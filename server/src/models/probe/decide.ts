/** From the scores of a probe to the way in which a model is asked. */
import { strategyKinds, type StrategyKind } from '../../prompt';
import type { StrategyFinding } from '../strategies';

/** Log probability a character, snippet by snippet (score.ts); null where there was no room. A kind that was not tried is absent. */
export type ProbeScores = Readonly<Partial<Record<StrategyKind, readonly (number | null)[]>>>;

/** Natural logarithm a character: less makes no difference to anybody, however sure it is. */
const leastDifference = 0.02;
const fewestSnippets = 4;

interface Comparison {
  readonly difference: number;
  readonly standardError: number;
}

/** Over the snippets that both were tried on; undefined when these are too few. */
function compare(a: readonly (number | null)[], b: readonly (number | null)[]): Comparison | undefined {
  const differences = a.flatMap((score, i) => {
    const other = b[i];
    return typeof score === 'number' && typeof other === 'number' ? [score - other] : [];
  });
  const n = differences.length;
  if (n < fewestSnippets) {
    return undefined;
  }
  const mean = differences.reduce((sum, value) => sum + value, 0) / n;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { difference: mean, standardError: Math.sqrt(variance / n) };
}

/** Better by more than chance would make it on other snippets: two standard errors of the paired differences. */
function beats(a: readonly (number | null)[], b: readonly (number | null)[]): boolean {
  const found = compare(a, b);
  return (
    found !== undefined &&
    found.difference >= leastDifference &&
    found.difference >= 2 * found.standardError
  );
}

function meanOf(scores: readonly (number | null)[]): number {
  const known = scores.filter((score) => score !== null);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

const inWords: Readonly<Record<StrategyKind, string>> = {
  suffixFirst: 'suffix first',
  prefixFirst: 'prefix first',
  prefixOnly: 'prefix only',
  chat: 'chat',
};

/**
 * Prefix only is what every model can do, and the cheapest. Another way must do better, beyond chance; of several that do, the one that
 * costs the least while somebody types is taken unless a later one is better still, beyond chance. Undefined when too little was tried.
 */
export function decide(scores: ProbeScores): StrategyFinding | undefined {
  const base = scores.prefixOnly;
  if (base === undefined || base.filter((score) => score !== null).length < fewestSnippets) {
    return undefined;
  }
  let winner: StrategyKind = 'prefixOnly';
  for (const kind of strategyKinds) {
    const tried = scores[kind];
    if (kind === 'prefixOnly' || tried === undefined || !beats(tried, base)) {
      continue;
    }
    if (winner === 'prefixOnly' || beats(tried, scores[winner] ?? base)) {
      winner = kind;
    }
  }
  const figures = strategyKinds
    .filter((kind) => scores[kind]?.some((score) => score !== null) === true)
    .map((kind) => `${inWords[kind]} ${meanOf(scores[kind] ?? []).toFixed(2)}`);
  return {
    kind: winner,
    reason:
      `Tried on ${String(base.length)} snippets with a known gap; log probability of the right text a character: ` +
      `${figures.join(', ')}.`,
  };
}
