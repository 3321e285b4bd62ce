/** A document snapshot in, a suggestion out. */
export * from './completer';
export type { ContextSupply } from './contextChoice';
export * from './counters';
export * from './decide';
export * from './effort';
export * from './gate';
export type { Proposer } from './proposals';
export * from './snapshot';
export * from './statistics';
export * from './trace';
export * from './warmUp';
