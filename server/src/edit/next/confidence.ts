/**
 * How probable it is that a change belongs at a place, from what is known of the change, of the place, and what the model says. A logistic
 * regression, fitted to replays of this project's history (bench/edit/parts/nextEdit.mjs): to the commits whose hash begins with an even digit, so
 * that the others tell what it is worth.
 */
import type { Candidate, Why } from './places';
import { isBlank, tokensOf } from './tokens';

/** Least confidence of what is offered: of those that the benchmark tries the lowest at which the fitted half is right four times in five. */
export const leastConfidence = 0.75;

/** Natural logarithms of odds. */
const weights = {
  bias: -1.99,
  /** Nothing else was changed in its line. */
  alone: 0.63,
  /** Per unit of the natural logarithm of what the model says. */
  gain: 0.105,
  twice: 0.31,
  more: 0.65,
  /** Of 0 to 1: how much the lines have in common. */
  alike: 0.89,
  /** The names have a part in common. */
  sharesPart: 0.86,
  /** Per doubling of the places that are left. */
  left: -0.16,
  why: {
    declaration: 0.63,
    unknown: 0.41,
    use: 0,
    member: -0.13,
    memberDeclared: 0.78,
    words: -0.11,
    tokens: 0.12,
  } satisfies Record<Why, number>,
  /** Per unit of the common surroundings' weight, up to 12. */
  surroundings: 0.145,
};

/** What the model says counts up to here. */
const mostGain = 8;
const mostLeft = 32;
const mostWeight = 12;

function lineAround(text: string, start: number, end: number): string {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const to = text.indexOf('\n', end);
  return `${text.slice(from, start)} @ ${text.slice(end, to < 0 ? text.length : to)}`;
}

function tokensIn(line: string): Set<string> {
  return new Set(tokensOf(line).flatMap(({ text }) => (isBlank(text) ? [] : [text])));
}

function shareOfCommon(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = [...a].filter((one) => b.has(one)).length;
  return common / Math.max(1, a.size + b.size - common);
}

function partsOf(name: string): Set<string> {
  return new Set((name.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).map((part) => part.toLowerCase()));
}

/** Whether a candidate could be this sure, whatever the model says of it. The model is not asked about the others: most are none. */
export function mayReach(text: string, candidate: Candidate, least: number): boolean {
  return confidenceOf(text, candidate, mostGain) >= least;
}

/** 0 to 1. `gain`: gainOf. */
export function confidenceOf(text: string, candidate: Candidate, gain: number): number {
  const { rule, why, left, weight, start, end } = candidate;
  const { latest, instances, removed, inserted } = rule;
  const alike = shareOfCommon(
    tokensIn(lineAround(text, start, end)),
    tokensIn(lineAround(text, latest.start, latest.end)),
  );
  const parts = partsOf(inserted);
  const sharesPart = why !== 'tokens' && [...partsOf(removed)].some((part) => parts.has(part));
  const odds =
    weights.bias +
    (rule.alone ? weights.alone : 0) +
    weights.gain * Math.max(-mostGain, Math.min(mostGain, gain)) +
    (instances.length === 2 ? weights.twice : 0) +
    (instances.length > 2 ? weights.more : 0) +
    weights.alike * alike +
    (sharesPart ? weights.sharesPart : 0) +
    weights.left * Math.log2(Math.min(mostLeft, left)) +
    weights.why[why] +
    weights.surroundings * Math.min(mostWeight, weight);
  return 1 / (1 + Math.exp(-odds));
}
