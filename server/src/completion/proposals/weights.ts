/** Made by bench/completion/quality/fit.mjs. */
export type Weights = Readonly<Record<string, number>>;

export const copyWeights: Weights = { bias: -3, share: 2, logMatched: 0.4, alignedShare: 1 };

export const embeddedWeights: Weights = {
  bias: -2.5,
  share: 2,
  logMatched: 0.4,
  alignedShare: 1,
  written: 1,
  likelihood: 0.5,
};
