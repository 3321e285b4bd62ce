/** Files of the workspace, by what somebody calls them. What lies outside is none, also where a symbolic link leads there. */
import { FileType, Uri, workspace } from 'vscode';
import { isInWorkspace } from '../../insideWorkspace';
import { relativeNames } from './places';

/** file, folder, or undefined where there is neither, or not in the workspace. */
export async function kindOf(uri: Uri): Promise<'file' | 'folder' | undefined> {
  if (!(await isInWorkspace(uri))) {
    return undefined;
  }
  try {
    const { type } = await workspace.fs.stat(uri);
    return (type & FileType.Directory) !== 0 ? 'folder' : (type & FileType.File) !== 0 ? 'file' : undefined;
  } catch {
    return undefined;
  }
}

/** Where a name may be meant, the surest first. */
function candidates(path: string): Uri[] {
  const folders = workspace.workspaceFolders ?? [];
  return relativeNames(path).flatMap((name) => {
    const absolute =
      name.startsWith('/') || /^[a-z]:\//i.test(name)
        ? folders.map(({ uri }) => uri.with({ path: name }))
        : [];
    const inFolders = folders.map(({ uri }) => Uri.joinPath(uri, name));
    // In a workspace of several folders, paths may begin with a folder's name.
    const named = folders
      .filter((folder) => name.startsWith(`${folder.name}/`))
      .map(({ name: folder, uri }) => Uri.joinPath(uri, name.slice(folder.length + 1)));
    return [...absolute, ...inFolders, ...named];
  });
}

/** The file or folder that a path means; a mere name is looked for everywhere, and counts where there is one such file. */
export async function findInWorkspace(path: string): Promise<Uri | undefined> {
  for (const uri of candidates(path)) {
    if ((await kindOf(uri)) !== undefined) {
      return uri;
    }
  }
  const name = relativeNames(path).at(-1);
  if (name === undefined || name.startsWith('/') || /[*?{}[\]\\]/.test(name)) {
    return undefined;
  }
  const found = await workspace.findFiles(`**/${name}`, undefined, 2);
  const [only] = found;
  return found.length === 1 && only !== undefined && (await isInWorkspace(only)) ? only : undefined;
}
