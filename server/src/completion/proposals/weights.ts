/**
 * Weights of the confidence, by feature. Made by bench/completion/quality/fit.mjs of 8728 copies and 9802 proposals at 1800 cursors
 * of the calibration split, and of no others.
 */
export type Weights = Readonly<Record<string, number>>;

/** For copies of which no model has said anything. */
export const copyWeights: Weights = {
  alignedChanged: 1.0161,
  alignedSame: 0.6687,
  alignedShare: 0.9581,
  behind: -0.0482,
  bias: -3.247,
  copied: 0,
  lines: 0.813,
  logAlignedVotes: 0.7815,
  logDistance: -0.7731,
  logLength: -2.3265,
  logMatched: 0.6401,
  logTyped: 0.4635,
  logVotes: 1.1162,
  matched: -1.9488,
  nextAgrees: 1.6491,
  occurs: -1.3479,
  otherFile: 0,
  share: 2.1125,
  shareSquared: -2.8387,
  shareTimesMatched: 1.4294,
  words: 0.8302,
  written: 0,
  writtenTimesMatched: 0,
  writtenTimesShare: 0,
};

/** For all proposals, where the embedded model has written one and judged the others. */
export const embeddedWeights: Weights = {
  aheadOfWritten: 0.2936,
  alignedChanged: 1.0947,
  alignedSame: 0.1821,
  alignedShare: 1.1558,
  behind: 0.3383,
  bias: -4.7063,
  copied: 0.4843,
  judged: 1.5493,
  leastLikelihood: -1.0321,
  likelihood: 0.6855,
  lines: 0.4726,
  logAlignedVotes: 0.6956,
  logDistance: -0.0375,
  logLength: -1.4818,
  logMatched: 0.2293,
  logTyped: 0.3984,
  logVotes: 0.6434,
  matched: -1.2461,
  meanLikelihood: 0.5006,
  nextAgrees: 1.5673,
  occurs: -0.8386,
  otherFile: 0,
  share: 0.2433,
  shareSquared: -1.6488,
  shareTimesMatched: 1.6847,
  words: 0.4436,
  written: 2.354,
  writtenTimesLikelihood: 0.9131,
  writtenTimesMatched: -0.3798,
  writtenTimesMean: -0.5917,
  writtenTimesShare: -1.2227,
};
