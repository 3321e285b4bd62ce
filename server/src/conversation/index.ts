/** Talking to models that were made to chat. */
export * from './chatInfill';
export * from './chatTemplate';
