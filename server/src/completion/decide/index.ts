/** Deciding what to show. */
export * from './decide';
export * from './quiet';
export { cutAtBlockEnd, cutToScope, linesFor } from './scope';
