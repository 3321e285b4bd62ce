/** Builds the object graph and listens. Loaded by main.ts when the process may go on. */
import { dirname } from 'node:path';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { version } from '../../package.json';
import { createNativeEngine } from './engine';
import { connectionLog, refuseToStart, startServer } from './lsp';
import type { Network } from './network';

export function serve(network: Network): void {
  const connection = createConnection(ProposedFeatures.all);
  // The editor's end of the channel has gone, and with it everyone who could ask for anything.
  process.once('disconnect', () => {
    process.exit(0);
  });
  if (network.refusal !== '') {
    refuseToStart(connection, network.refusal);
    return;
  }
  const log = connectionLog(connection);
  const engine = createNativeEngine({
    onSelfTest: (report) => {
      for (const failure of report.failures) {
        log.warn(`The kernels "${failure.kernels}" cannot be used on this machine: ${failure.what}.`);
      }
      log.info(`The kernels "${report.kernels}" passed their self-test in ${report.ms.toFixed(0)} ms.`);
    },
  });
  // The bundle lies in dist/, one folder below the extension's.
  startServer({ connection, log, engine, network, extensionPath: dirname(__dirname), version });
}
