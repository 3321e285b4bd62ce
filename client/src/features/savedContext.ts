/** Deleting what is saved on disk of what models have read. Each command returns the bytes that are free now. */
import { commands, Disposable, l10n, workspace } from 'vscode';
import type { NiwakiContext } from '../context';
import { formatBytes } from '../ui/numbers';
import { messages } from '../ui/messages';

async function purge({ server, log }: NiwakiContext, workspaces: readonly string[] | null): Promise<number> {
  const { bytes, problem } = await server.purgeSavedContext(workspaces);
  if (problem !== '') {
    log.warn(problem);
    void messages.warn(
      l10n.t(
        'Niwaki: {0} of saved context were deleted, but not all of it: {1}',
        formatBytes(bytes),
        problem,
      ),
    );
  } else if (bytes === 0) {
    void messages.info(l10n.t('Niwaki: there was no saved context.'));
  } else {
    void messages.info(l10n.t('Niwaki: {0} of saved context were deleted.', formatBytes(bytes)));
  }
  return bytes;
}

/** As the language client names them; a window without a folder has what belongs to none. */
function openFolders(): readonly string[] {
  const folders = workspace.workspaceFolders ?? [];
  return folders.length === 0 ? [''] : folders.map((folder) => folder.uri.toString());
}

export function activate(context: NiwakiContext): Disposable {
  return Disposable.from(
    commands.registerCommand('niwaki.deleteSavedContext', () => purge(context, openFolders())),
    commands.registerCommand('niwaki.deleteAllSavedContext', () => purge(context, null)),
  );
}
