/** What speaks for a proposal, as numbers of about one, by name: the confidence is a weighted sum of them (confidence.ts). */
import type { CopyFeatures } from '../copy';

/** Natural logarithms of the probabilities that a model gives to a text's tokens, the line break behind them included. */
export type Likelihood = readonly number[];

export interface Evidence {
  readonly text: string;
  /** What the copy predictor knows of it; absent = it was not found anywhere. */
  readonly copy?: CopyFeatures;
  /** Whether it is what the model wrote of its own accord. */
  readonly written: boolean;
  /** Absent = the model was not asked. */
  readonly likelihood?: Likelihood;
  /** Of what the model wrote. */
  readonly best?: Likelihood;
  /** Characters in the cursor's line before the cursor, without indentation. */
  readonly typed: number;
}

export type Features = Readonly<Record<string, number>>;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const between = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

function copyFeatures(copy: CopyFeatures, written: number): Record<string, number> {
  const logMatched = Math.log1p(copy.matched);
  return {
    copied: 1,
    occurs: copy.matched > 0 ? 1 : 0,
    matched: Math.min(copy.matched, 80) / 20,
    logMatched,
    words: Math.min(copy.words, 20) / 5,
    lines: Math.min(copy.lines, 4),
    share: copy.share,
    shareSquared: copy.share ** 2,
    logVotes: Math.log1p(copy.votes),
    alignedShare: copy.alignedShare,
    alignedSame: Math.min(copy.alignedSame, 10) / 5,
    alignedChanged: Math.min(copy.alignedChanged, 3),
    logAlignedVotes: Math.log1p(copy.alignedVotes),
    logDistance: Math.log1p(Math.min(copy.distance, 10_000)) / 5,
    behind: copy.behind,
    otherFile: copy.otherFile,
    nextAgrees: copy.nextAgrees,
    shareTimesMatched: copy.share * logMatched,
    writtenTimesShare: written * copy.share,
    writtenTimesMatched: written * logMatched,
  };
}

function likelihoodFeatures({ likelihood, best }: Evidence, written: number): Record<string, number> {
  if (likelihood === undefined || likelihood.length === 0) {
    return {};
  }
  const total = sum(likelihood);
  const mean = total / likelihood.length;
  const writtenTotal = best === undefined ? 0 : sum(best);
  return {
    judged: 1,
    likelihood: Math.max(total, -30) / 5,
    meanLikelihood: Math.max(mean, -5),
    leastLikelihood: Math.max(Math.min(...likelihood), -10) / 3,
    aheadOfWritten: between(total - writtenTotal, -20, 20) / 5,
    writtenTimesMean: written * Math.max(mean, -5),
    writtenTimesLikelihood: (written * Math.max(total, -30)) / 5,
  };
}

export function featuresOf(evidence: Evidence): Features {
  const written = evidence.written ? 1 : 0;
  return {
    written,
    logTyped: Math.log1p(evidence.typed) / 3,
    logLength: Math.log1p(evidence.text.length) / 3,
    ...(evidence.copy && copyFeatures(evidence.copy, written)),
    ...likelihoodFeatures(evidence, written),
  };
}
