/** The same change at the next place. */
export * from './nextEdits';
export type { Candidate, Followable, Trees, Why } from './places';
export { confidenceOf, leastConfidence, mayReach } from './confidence';
export { gainOf } from './likelihood';
