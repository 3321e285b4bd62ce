/** The commands about models; what they do is loaded when the first of them is run. */
import { commands, Disposable } from 'vscode';
import type { NiwakiContext } from '../context';

export function activate(context: NiwakiContext): Disposable {
  return Disposable.from(
    commands.registerCommand('niwaki.chooseModel', async () =>
      (await import('../modelFlows')).chooseModel(context),
    ),
    commands.registerCommand('niwaki.importModel', async (uri?: unknown) =>
      (await import('../modelFlows')).importModel(context, uri),
    ),
    commands.registerCommand('niwaki.manageModels', async () =>
      (await import('../modelFlows')).manageModels(context),
    ),
  );
}
