/** LSP over IPC or stdio. */
export { connectionLog } from './connectionLog';
export { refuseToStart } from './network';
export { startServer } from './server';
