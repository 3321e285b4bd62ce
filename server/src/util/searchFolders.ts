import { dirname } from 'node:path';

/** From a bundle in dist/ and from the sources in server/src/… the repository's root is at most this far up. */
const parentsToTry = 4;

/** This folder and its parents, nearest first: where what is shipped beside the bundles is looked for. */
export function searchFolders(start: string): string[] {
  const folders = [start];
  while (folders.length < parentsToTry) {
    const parent = dirname(folders[folders.length - 1] as string);
    if (parent === folders[folders.length - 1]) {
      break;
    }
    folders.push(parent);
  }
  return folders;
}
