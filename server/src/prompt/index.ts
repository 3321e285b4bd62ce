/** Pure functions from a file and a cursor to a model's prompt. */
export * from './context';
export * from './cursor';
export * from './fimForm';
export * from './healing';
export * from './renderPrompt';
export * from './strategy';
export * from './window';
