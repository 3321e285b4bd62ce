/** What the text itself foretells. */
export { forgetLines } from './lines';
export * from './predict';
