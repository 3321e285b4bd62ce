/** What somebody wants files for, and where: a folder of the explorer, or another feature's words. */
import type { Attachment } from '#protocol';
import { attachments as shapeOfAttachments } from '#protocol/chatShapes';
import { commands, FileType, l10n, Uri, window, workspace } from 'vscode';
import { messages } from '../../ui/messages';

export interface Asked {
  readonly request: string;
  /** As PlanFilesRequest has it. */
  readonly folder: string;
  /** What the model is to see; the server looks at each. */
  readonly attachments: readonly Attachment[];
}

/** As paths of a plan begin: with the folder's name where there are several. */
function pathOf(uri: Uri): string {
  const folder = workspace.getWorkspaceFolder(uri);
  if (folder?.uri.scheme !== 'file') {
    return '';
  }
  // The server counts those on this machine's disk.
  const onDisk = workspace.workspaceFolders?.filter((one) => one.uri.scheme === 'file') ?? [];
  const several = onDisk.length > 1;
  const below = uri.path.slice(folder.uri.path.replace(/\/$/, '').length).replace(/^\/|\/$/g, '');
  // By its name on the disk, as the server knows it.
  const name = folder.uri.path.replace(/\/$/, '').split('/').at(-1) ?? '';
  return [...(several ? [name] : []), ...(below === '' ? [] : [below])].join('/');
}

async function folderOf(uri: Uri): Promise<string> {
  try {
    const { type } = await workspace.fs.stat(uri);
    return pathOf((type & FileType.Directory) !== 0 ? uri : Uri.joinPath(uri, '..'));
  } catch {
    return '';
  }
}

/** A copy: the caller's own may change. */
function readAttachments(value: unknown): readonly Attachment[] {
  const read = value === undefined ? [] : shapeOfAttachments(value);
  if (read === undefined) {
    throw new Error(
      'niwaki.files.generate takes { request, folder, attachments }, as niwaki.chat.ask has them.',
    );
  }
  return read;
}

export async function readAsked(value: unknown): Promise<Asked> {
  if (value instanceof Uri) {
    return { request: '', folder: await folderOf(value), attachments: [] };
  }
  const { request, folder, attachments } = (typeof value === 'object' && value !== null ? value : {}) as {
    request?: unknown;
    folder?: unknown;
    attachments?: unknown;
  };
  return {
    request: typeof request === 'string' ? request : '',
    folder: typeof folder === 'string' ? folder : folder instanceof Uri ? await folderOf(folder) : '',
    attachments: readAttachments(attachments),
  };
}

/** Whether there is a folder on this machine's disk; says what is missing. */
export async function hasFolder(): Promise<boolean> {
  const folders = workspace.workspaceFolders ?? [];
  if (folders.some(({ uri }) => uri.scheme === 'file')) {
    return true;
  }
  if (folders.length > 0) {
    void messages.info(
      l10n.t(
        'This workspace lies on no disk of this machine. Niwaki writes files only where it can see that nothing leads out of the workspace; open the folder on its disk.',
      ),
    );
    return false;
  }
  const open = l10n.t('Open Folder');
  const text = l10n.t('Open a folder first, so that there is a place for new files.');
  if ((await messages.info(text, open)) === open) {
    await commands.executeCommand('vscode.openFolder');
  }
  return false;
}

export function askForRequest(folder: string): Thenable<string | undefined> {
  return window.showInputBox({
    title: folder === '' ? l10n.t('Generate Files') : l10n.t('Generate Files in {0}', folder),
    prompt: l10n.t('What is to be written? You can change the plan before anything is.'),
    placeHolder: l10n.t('a module that parses dates, and its tests'),
    ignoreFocusOut: true,
  });
}
