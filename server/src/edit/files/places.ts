/**
 * Where a path of a new file leads on the disk. Nothing is created. A place counts only where every step to it is seen: links are resolved and
 * must stay in the workspace folder, and no name may be another one's in a file system that sees no difference in case.
 */
import { constants } from 'node:fs';
import { access, lstat, readdir, realpath } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folded, guardedProblem, readPath, shownName } from './paths';

/** Files of one plan. */
export const mostFiles = 20;

export interface Place {
  /** In the workspace, as PlannedFile has it; '' where it is refused. */
  readonly path: string;
  readonly uri: string;
  readonly exists: boolean;
  /** A sentence; '' = it may be written. */
  readonly problem: string;
  /** The same path with the names that are there already; '' = there is none that would do. */
  readonly instead: string;
}

/** A workspace folder on this machine's disk. */
interface Root {
  readonly uri: string;
  readonly path: string;
  readonly name: string;
}

/** Whether the workspace's rules keep a file from models. */
export type Hides = (rootUri: string, path: string) => Promise<boolean>;

function rootsOf(uris: readonly string[]): readonly Root[] {
  return uris.flatMap((uri) => {
    try {
      const path = uri.startsWith('file:') ? fileURLToPath(uri) : '';
      return path === '' ? [] : [{ uri: uri.replace(/\/$/, ''), path, name: basename(path) }];
    } catch {
      return []; // another machine's
    }
  });
}

const nowhere: Omit<Place, 'problem' | 'instead'> = { path: '', uri: '', exists: false };
const refusedPlace = (problem: string, instead = ''): Place => ({ ...nowhere, problem, instead });

function isWithin(root: string, path: string): boolean {
  const inside = relative(root, path);
  return (
    inside === '' || (inside !== '..' && !inside.startsWith(`..${sep}`) && !/^[A-Za-z]:|^[\\/]/.test(inside))
  );
}

/** What a plan's earlier paths have taken. */
class Taken {
  private readonly names = new Map<string, { readonly exact: string; readonly kind: 'file' | 'folder' }>();

  /** Why a path does not fit beside the earlier ones; '' = it does, and is one of them from now on. */
  add(path: string): string {
    const parts = path.split('/');
    const steps = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    for (const [i, exact] of steps.entries()) {
      const kind = i === steps.length - 1 ? 'file' : 'folder';
      const there = this.names.get(folded(exact));
      if (there === undefined) {
        continue;
      }
      if (there.exact !== exact) {
        return `${shownName(exact)} differs from ${shownName(there.exact)} of the plan in nothing but case. Write both alike.`;
      }
      if (kind === 'file') {
        return there.kind === 'file'
          ? `${shownName(exact)} is in the plan twice. Take one out.`
          : `${shownName(exact)} is a folder in the plan. Choose another name.`;
      }
      if (there.kind === 'file') {
        return `${shownName(exact)} is a file in the plan, and cannot be a folder too. Choose another name.`;
      }
    }
    for (const [i, exact] of steps.entries()) {
      this.names.set(folded(exact), { exact, kind: i === steps.length - 1 ? 'file' : 'folder' });
    }
    return '';
  }
}

/** Looks at one plan; a folder is read once. */
class Look {
  private readonly listings = new Map<string, Promise<readonly string[] | undefined>>();
  private readonly taken = new Taken();
  /** Where the files would really lie. */
  private readonly targets = new Set<string>();

  constructor(
    private readonly roots: readonly Root[],
    private readonly hides: Hides,
  ) {}

  async at(written: string): Promise<Place> {
    const reading = readPath(written);
    if (reading.problem !== '') {
      return refusedPlace(reading.problem);
    }
    const found = this.rootOf(reading.parts);
    if ('problem' in found) {
      return refusedPlace(found.problem, found.instead);
    }
    const { root, parts } = found;
    const { target, ...place } = await this.follow(root, parts);
    if (place.problem !== '') {
      return place;
    }
    const taken = this.taken.add(place.path);
    if (taken !== '') {
      return refusedPlace(taken);
    }
    if (this.targets.has(folded(target))) {
      return refusedPlace(`${shownName(place.path)} is another file of the plan, by a link. Take one out.`);
    }
    this.targets.add(folded(target));
    return place;
  }

  /** The folder that a path is in, and the names below it. */
  private rootOf(
    parts: readonly string[],
  ):
    | { readonly root: Root; readonly parts: readonly string[] }
    | { readonly problem: string; readonly instead: string } {
    const [first = '', ...rest] = parts;
    const [only, ...others] = this.roots;
    if (only === undefined) {
      return {
        problem: 'No folder on this machine’s disk is open. Open one, so that there is a place for files.',
        instead: '',
      };
    }
    if (others.length === 0) {
      return { root: only, parts };
    }
    const named = this.roots.filter(({ name }) => name === first);
    if (named.length > 1) {
      return {
        problem: `Two folders of the workspace are called ${shownName(first)}. Open one of them alone.`,
        instead: '',
      };
    }
    const [root] = named;
    if (root !== undefined && rest.length > 0) {
      return { root, parts: rest };
    }
    const names = this.roots.map(({ name }) => name);
    const alike = names.find((name) => folded(name) === folded(first));
    return {
      problem: `Begin the path with a folder of the workspace: ${names.map(shownName).join(', ')}.`,
      instead: alike === undefined || rest.length === 0 ? '' : [alike, ...rest].join('/'),
    };
  }

  private async follow(root: Root, parts: readonly string[]): Promise<Place & { readonly target: string }> {
    const refused = (problem: string, instead = ''): Place & { readonly target: string } => ({
      ...refusedPlace(problem, instead),
      target: '',
    });
    let real: string;
    try {
      real = await realpath(root.path);
    } catch {
      return refused(`The folder ${shownName(root.name)} is not there any more. Open the workspace anew.`);
    }
    const prefix = this.roots.length > 1 ? `${root.name}/` : '';
    const top = real;
    let exists = false;
    /** Where the walk is; undefined = there is nothing from here on. */
    let here: string | undefined = real;
    let nearest = real;
    let seen = 0;
    for (const [i, name] of parts.entries()) {
      if (here === undefined) {
        break;
      }
      const isLast = i === parts.length - 1;
      const alike = await this.alike(here, name);
      if (alike !== undefined) {
        const instead = [...parts.slice(0, i), alike, ...parts.slice(i + 1)].join('/');
        return refused(
          `${shownName(name)} differs from ${shownName(alike)}, which is there, in nothing but case or the way of writing. Write ${shownName(alike)}, or choose another name.`,
          prefix + instead,
        );
      }
      const step = await this.step(top, join(here, name), name, isLast);
      if (typeof step === 'string') {
        return refused(step);
      }
      exists = isLast && step.exists;
      nearest = step.exists ? step.real : nearest;
      seen += step.exists ? 1 : 0;
      here = step.exists ? step.real : undefined;
      // A link may lead to what its own name does not say.
      const guarded = step.exists ? guardedProblem(relative(top, step.real).split(sep)) : '';
      if (guarded !== '') {
        return refused(guarded);
      }
    }
    const target = join(nearest, ...parts.slice(seen));
    const behindLinks = relative(top, target).split(sep).join('/');
    const place = await this.settle(root, prefix, parts, { exists, nearest, behindLinks });
    return { ...place, target };
  }

  /** One name further down. A string says why not. */
  private async step(
    top: string,
    path: string,
    name: string,
    isLast: boolean,
  ): Promise<{ readonly exists: boolean; readonly real: string } | string> {
    const shown = shownName(name);
    const found = await lstat(path).catch(
      (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown',
    );
    if (typeof found === 'string') {
      return found === 'ENOENT'
        ? { exists: false, real: path }
        : `${shown} cannot be looked at (${found}). Choose another place.`;
    }
    if (found.isSymbolicLink() && isLast) {
      return `${shown} is a link. Name the file that it leads to.`;
    }
    let real = path;
    if (found.isSymbolicLink()) {
      try {
        real = await realpath(path);
      } catch {
        return `${shown} is a link that leads nowhere. Choose another folder.`;
      }
      if (!isWithin(top, real)) {
        return `${shown} is a link that leads out of the workspace folder. Choose a folder in it.`;
      }
    }
    const target = found.isSymbolicLink() ? await lstat(real).catch(() => undefined) : found;
    if (isLast) {
      return target?.isDirectory() === true
        ? `${shown} is a folder. Choose another name, or a file in it.`
        : target?.isFile() === true
          ? { exists: true, real }
          : `${shown} is no plain file. Choose another name.`;
    }
    return target?.isDirectory() === true
      ? { exists: true, real }
      : `${shown} is a file, and not a folder. Choose another name.`;
  }

  private async settle(
    root: Root,
    prefix: string,
    parts: readonly string[],
    {
      exists,
      nearest,
      behindLinks,
    }: { readonly exists: boolean; readonly nearest: string; readonly behindLinks: string },
  ): Promise<Place> {
    const inFolder = parts.join('/');
    // As it is called, and as links lead to it.
    if ((await this.hides(root.uri, inFolder)) || (await this.hides(root.uri, behindLinks))) {
      return refusedPlace(
        `${shownName(parts.at(-1) ?? '')} is kept from models, by its name (secrets) or by a .niwakiignore. Make it yourself, or choose another name.`,
      );
    }
    const writable = await access(nearest, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!writable) {
      return refusedPlace(
        `${exists ? inFolder : shownName(basename(nearest))} cannot be written: it is read-only, or not yours. Choose another place, or change its permissions.`,
      );
    }
    const uri = `${root.uri}/${parts.map(encodeURIComponent).join('/')}`;
    return { path: prefix + inFolder, uri, exists, problem: '', instead: '' };
  }

  /** A name in a folder that is this one in another case or way of writing; undefined = there is none. */
  private async alike(folder: string, name: string): Promise<string | undefined> {
    let listing = this.listings.get(folder);
    if (listing === undefined) {
      listing = readdir(folder).catch(() => undefined);
      this.listings.set(folder, listing);
    }
    const names = (await listing) ?? [];
    // By its very characters: two ways of writing one name are two names on some disks.
    return names.includes(name) ? undefined : names.find((other) => folded(other) === folded(name));
  }
}

/** What each of a plan's paths means, in their order. `folders`: URIs. */
export async function lookAtPlaces(
  paths: readonly string[],
  folders: readonly string[],
  hides: Hides,
): Promise<readonly Place[]> {
  const look = new Look(rootsOf(folders), hides);
  const places: Place[] = [];
  for (const [i, path] of paths.entries()) {
    places.push(
      i < mostFiles
        ? await look.at(path)
        : refusedPlace(
            `A plan may have ${String(mostFiles)} files. Take some out, and make them afterwards.`,
          ),
    );
  }
  return places;
}
