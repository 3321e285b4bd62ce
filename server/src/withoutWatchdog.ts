/**
 * Imported before vscode-languageserver, which reads the arguments when it is loaded and then looks every three seconds whether
 * the client's process lives. Over IPC that is not needed: the channel closes with the client (see main.ts), and a server that has
 * nothing to do shall not even wake up.
 */
if (process.argv.includes('--node-ipc')) {
  process.argv = process.argv.filter((argument) => !argument.startsWith('--clientProcessId'));
}
