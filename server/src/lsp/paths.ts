/** From a document's URI to the path that the model is shown. */
import { basename } from 'node:path/posix';
import { decodedPath } from '../util/decodedPath';

/** The innermost workspace folder that holds the document, with a slash at its end; undefined = none does. */
export function folderOf(uri: string, workspaceFolders: readonly string[]): string | undefined {
  return workspaceFolders
    .map((folder) => (folder.endsWith('/') ? folder : `${folder}/`))
    .filter((folder) => uri.startsWith(folder))
    .sort((a, b) => b.length - a.length)[0];
}

/** Relative to the workspace folder that holds the document, else the file's name. */
export function promptPath(uri: string, workspaceFolders: readonly string[]): string {
  const inside = folderOf(uri, workspaceFolders);
  const path = decodedPath(uri);
  return inside === undefined ? basename(path) : path.slice(decodedPath(inside).length);
}
