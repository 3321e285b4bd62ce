/** Two proposers, one confidence. */
export * from './features';
export * from './propose';
