/** What of the workspace a plan and a new file are shown: names, and a few texts of files like it. */
import type { ChosenFiles } from '../../workspace';

export interface Listing {
  /** As PlannedFile has them. */
  readonly paths: readonly string[];
  readonly more: boolean;
}

export interface Neighbour {
  readonly path: string;
  readonly text: string;
}

/** Texts that are looked at for what they have in common, and the longest of them. */
const mostRead = 12;
const longestRead = 100_000;

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Behind the first dot that is not the name's first sign: 'test.ts' of 'a.test.ts'; '' = there is none. */
function kindOf(path: string): string {
  const [, ...rest] = nameOf(path).slice(1).split('.');
  return rest.join('.');
}

export function extensionOf(path: string): string {
  return kindOf(path).split('.').at(-1) ?? '';
}

/** `folders`: URIs, and what paths in them begin with ('' or 'name/'). */
export type Prefixes = readonly { readonly uri: string; readonly prefix: string }[];

export function prefixesOf(folders: readonly string[], files: ChosenFiles): Prefixes {
  return folders.map((uri) => {
    const bare = uri.replace(/\/$/, '');
    const whole = files.pathOf(`${bare}/x`);
    return { uri: bare, prefix: whole.slice(0, -1) };
  });
}

export async function listWorkspace(prefixes: Prefixes, files: ChosenFiles): Promise<Listing> {
  const listed = await Promise.all(
    prefixes.map(async ({ uri, prefix }) => {
      const found = await files.list(uri);
      return { paths: (found?.files ?? []).map((path) => prefix + path), more: found?.more === true };
    }),
  );
  return { paths: listed.flatMap(({ paths }) => paths), more: listed.some(({ more }) => more) };
}

/** Steps from one folder to another, up and down. */
function distance(a: string, b: string): number {
  const [left, right] = [a, b].map((path) => (path === '' ? [] : path.split('/')));
  let same = 0;
  while (same < Math.min(left?.length ?? 0, right?.length ?? 0) && left?.[same] === right?.[same]) {
    same += 1;
  }
  return (left?.length ?? 0) + (right?.length ?? 0) - 2 * same;
}

/** Paths of files of the same type, those most like it first: the same kind (tests among tests), then the nearest. */
export function likeIt(path: string, { paths }: Listing): readonly string[] {
  const [extension, kind, folder] = [extensionOf(path), kindOf(path), folderOf(path)];
  return paths
    .filter((other) => other !== path && extensionOf(other) === extension && extension !== '')
    .map((other) => ({
      other,
      far: distance(folderOf(other), folder) + (kindOf(other) === kind ? 0 : 100),
    }))
    .sort((a, b) => a.far - b.far || (a.other < b.other ? -1 : 1))
    .map(({ other }) => other);
}

/** Their texts; what cannot be read is left out. */
export async function readNeighbours(
  paths: readonly string[],
  prefixes: Prefixes,
  files: ChosenFiles,
): Promise<readonly Neighbour[]> {
  const read = await Promise.all(
    paths.slice(0, mostRead).map(async (path) => {
      const place = prefixes
        .filter(({ prefix }) => path.startsWith(prefix))
        .sort((a, b) => b.prefix.length - a.prefix.length)[0];
      const text = place && (await files.readBelow(place.uri, path.slice(place.prefix.length)));
      return text === undefined || text.length > longestRead || text.trim() === '' ? [] : [{ path, text }];
    }),
  );
  return read.flat();
}
