/** The language server's entry: builds the object graph and listens. `--node-ipc` or `--stdio` says how. */
import './withoutWatchdog';
import { dirname } from 'node:path';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { version } from '../../package.json';
import { createNativeEngine } from './engine';
import { connectionLog, startServer } from './lsp';

const connection = createConnection(ProposedFeatures.all);
const log = connectionLog(connection);
const engine = createNativeEngine({
  onSelfTest: (report) => {
    for (const failure of report.failures) {
      log.warn(`The kernels "${failure.kernels}" cannot be used on this machine: ${failure.what}.`);
    }
    log.info(`The kernels "${report.kernels}" passed their self-test in ${report.ms.toFixed(0)} ms.`);
  },
});

// The editor's end of the channel has gone, and with it everyone who could ask for anything.
process.once('disconnect', () => {
  process.exit(0);
});

// The bundle lies in dist/, one folder below the extension's.
startServer({ connection, log, engine, extensionPath: dirname(__dirname), version });
