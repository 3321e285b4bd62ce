/** The log of a server that talks to an editor: its output channel. */
import type { Connection } from 'vscode-languageserver/node';
import type { Log } from '../util/log';

export function connectionLog(connection: Connection): Log {
  return {
    info: (message) => {
      connection.console.info(message);
    },
    warn: (message) => {
      connection.console.warn(message);
    },
    error: (message) => {
      connection.console.error(message);
    },
  };
}
