/** "Restart": a new server process, for when something has gone wrong. Open documents are sent again. */
import { commands, Disposable } from 'vscode';
import type { NiwakiContext } from '../context';

export function activate({ server, log }: NiwakiContext): Disposable {
  return Disposable.from(
    // A start that fails is told of where it fails.
    commands.registerCommand('niwaki.restart', () => server.restart().catch(() => undefined)),
    commands.registerCommand('niwaki.showLog', () => {
      log.show();
    }),
  );
}
