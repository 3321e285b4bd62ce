/** A document snapshot in, a suggestion out. */
export * from './completer';
export * from './counters';
export * from './decide';
export * from './effort';
export type { Proposer } from './proposals';
export * from './snapshot';
export * from './statistics';
export * from './trace';
export * from './warmUp';
