/** What the text itself foretells. */
export * from './predict';
