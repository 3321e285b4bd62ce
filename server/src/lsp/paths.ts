/** From a document's URI to the path that the model is shown. */
import { basename } from 'node:path/posix';

function decodedPath(uri: string): string {
  const path = URL.canParse(uri) ? new URL(uri).pathname : uri;
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a stray percent sign
  }
}

/** Relative to the workspace folder that holds the document (the innermost), else the file's name. */
export function promptPath(uri: string, workspaceFolders: readonly string[]): string {
  const inside = workspaceFolders
    .map((folder) => (folder.endsWith('/') ? folder : `${folder}/`))
    .filter((folder) => uri.startsWith(folder))
    .sort((a, b) => b.length - a.length)[0];
  const path = decodedPath(uri);
  return inside === undefined ? basename(path) : path.slice(decodedPath(inside).length);
}
