/** What lies in the workspace, links resolved, and how its files are called. What lies outside is none of it, also where a symbolic link leads there. */
import { realpath } from 'node:fs/promises';
import { basename, sep } from 'node:path';
import { workspace, Uri } from 'vscode';

function within(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Whether a file is in the workspace, and really lies there. One that does not exist yet is not. */
export async function isInWorkspace(uri: Uri): Promise<boolean> {
  const folder = workspace.getWorkspaceFolder(uri);
  if (folder === undefined) {
    return false;
  }
  if (uri.scheme !== 'file') {
    return true; // another file system has no links that lead out of it
  }
  try {
    const [real, root] = await Promise.all([realpath(uri.fsPath), realpath(folder.uri.fsPath)]);
    return within(root, real);
  } catch {
    return false;
  }
}

/** Whether a file that is to be made would lie in the workspace: by the nearest folder above it that there is. */
export async function wouldBeInWorkspace(uri: Uri): Promise<boolean> {
  const folder = workspace.getWorkspaceFolder(uri);
  if (folder === undefined || uri.scheme !== 'file') {
    return folder !== undefined;
  }
  for (let above = Uri.joinPath(uri, '..'); within(folder.uri.fsPath, above.fsPath);) {
    try {
      await realpath(above.fsPath);
      return await isInWorkspace(above);
    } catch {
      above = Uri.joinPath(above, '..');
    }
  }
  return false;
}

/** As a file is called in what the user sees. */
export function nameOf(uri: Uri): string {
  return uri.scheme === 'untitled' ? basename(uri.path) : workspace.asRelativePath(uri);
}
