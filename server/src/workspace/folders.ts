/** From a document's URI to its place in the workspace. Only folders on this machine's disk count. */
import { basename, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface WorkspaceFolder {
  readonly uri: string;
  /** Absolute path on disk. */
  readonly root: string;
  readonly name: string;
}

/** A file in a workspace folder. */
export interface Located {
  readonly folder: WorkspaceFolder;
  /** In the folder, with forward slashes; never '' and never beginning with '../'. */
  readonly path: string;
}

/** Cells of a notebook have the notebook's path. */
const onDisk = /^(?:file|vscode-notebook-cell):\/\//;

/** The path on disk that a URI stands for; undefined when it stands for none here. */
function diskPath(uri: string): string | undefined {
  if (!onDisk.test(uri)) {
    return undefined;
  }
  try {
    const url = new URL(uri.replace(onDisk, 'file://'));
    url.hash = '';
    url.search = '';
    const path = fileURLToPath(url);
    return /^[A-Za-z]:/.test(path) ? path.charAt(0).toLowerCase() + path.slice(1) : path;
  } catch {
    return undefined; // another machine's, or a stray percent sign
  }
}

export function foldersOf(uris: readonly string[]): readonly WorkspaceFolder[] {
  return uris.flatMap((uri) => {
    const root = uri.startsWith('file:') ? diskPath(uri) : undefined;
    return root === undefined ? [] : [{ uri, root, name: basename(root) }];
  });
}

/** The innermost folder that holds the document, and where in it. */
export function locate(uri: string, folders: readonly WorkspaceFolder[]): Located | undefined {
  const file = diskPath(uri);
  if (file === undefined || file.includes('\0')) {
    return undefined;
  }
  return folders
    .map((folder) => ({ folder, path: relative(folder.root, file).split(sep).join('/') }))
    .filter(
      ({ path }) => path !== '' && path !== '..' && !path.startsWith('../') && !/^[A-Za-z]:|^\//.test(path),
    )
    .sort((a, b) => a.path.length - b.path.length)[0];
}
