/** LSP over IPC or stdio. */
export { connectionLog } from './connectionLog';
export { startServer } from './server';
