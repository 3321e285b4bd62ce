/** Paths as answers write them. Pure: whether there is such a file, others find out. */
import { posix } from 'node:path';

/** A place in a file as answers write it: `src/a.ts:12-20`. */
export interface Place {
  readonly path: string;
  /** From 0, the end not included; undefined = none is named. */
  readonly startLine: number | undefined;
  readonly endLine: number | undefined;
}

/** `target`: a path, perhaps with lines behind ":" or "#L", and perhaps as addresses are written (%20). */
export function readPlace(target: string): Place {
  const match = /^(.*?)(?::(\d+)(?:([:-])(\d+))?|#L(\d+)(?:-L?(\d+))?)?$/s.exec(target);
  const path = (match?.[1] ?? target).replaceAll('\\', '/');
  const first = Number(match?.[2] ?? match?.[5] ?? NaN);
  const last = match?.[3] === ':' ? NaN : Number(match?.[4] ?? match?.[6] ?? NaN);
  if (!(first >= 1)) {
    return { path, startLine: undefined, endLine: undefined };
  }
  return { path, startLine: first - 1, endLine: last >= first ? last : first };
}

/** The names under which a file may lie in a folder; '' and what leads out of it are none. */
export function relativeNames(path: string): string[] {
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // not an address: taken as it is
  }
  return [...new Set([path, decoded])]
    .map((name) => posix.normalize(name).replace(/^\.\//, ''))
    .filter(
      (name) =>
        name !== '' && name !== '.' && !name.startsWith('../') && name !== '..' && !name.includes('\0'),
    );
}
