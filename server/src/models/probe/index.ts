/** How a model is best asked, where its file does not say. */
export * from './decide';
export * from './findingStore';
export * from './probeModel';
export * from './snippets';
export * from './strategyProbe';
