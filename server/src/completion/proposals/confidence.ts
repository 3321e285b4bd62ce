/**
 * One confidence for proposals of both kinds: the probability that the line goes on exactly like that. Logistic regressions over
 * `featuresOf`, fitted to sources that no figure is reported on (bench/completion/quality/fit.mjs): one for the embedded model, whose
 * likelihoods are part of it, and one for what is copied, which holds whatever the model is.
 */
import type { Evidence, Features } from './features';
import { copyWeights, embeddedWeights, type Weights } from './weights';

function logistic(features: Features, weights: Weights): number {
  let sum = weights['bias'] ?? 0;
  for (const [name, value] of Object.entries(features)) {
    sum += value * (weights[name] ?? 0);
  }
  return 1 / (1 + Math.exp(-sum));
}

/** Of what nobody has judged: whether to have it judged. */
export function copyConfidence(features: Features): number {
  return logistic(features, copyWeights);
}

/**
 * `embedded`: whether the model is the one that the weights were fitted with. For others, the text's own probability is what they say, and
 * a copy that they write by themselves has two who speak for it.
 */
export function confidenceOf(evidence: Evidence, features: Features, embedded: boolean): number {
  if (evidence.best === undefined) {
    return copyConfidence(features);
  }
  if (embedded) {
    return logistic(features, embeddedWeights);
  }
  const said = evidence.written ? Math.exp(evidence.best.reduce((sum, value) => sum + value, 0)) : 0;
  const copied = evidence.copy === undefined ? 0 : copyConfidence(features);
  return 1 - (1 - said) * (1 - copied);
}
