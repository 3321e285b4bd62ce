/** What we know about models, and which one is loaded. */
export * from './budget';
export * from './embedded';
export * from './modelHost';
export * from './profile';
