/**
 * What lies in the extension's storage folder, by kind: for whoever wants to know what is kept of them, and to delete it. Links are
 * counted as files of no size and not followed.
 */
import type { StoredFiles, StoredKind } from '#protocol';
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

type OwnKind = Exclude<StoredKind, 'other' | 'commandLine'>;

/** The folder of each kind in the storage folder. What lies beside them is `other`. */
const folders: Readonly<Record<OwnKind, string>> = {
  savedContext: 'pages',
  calibration: 'kv',
  strategy: 'strategy',
  models: 'models',
};

/** Names that the stores write (calibrationStore.ts, probe/findingStore.ts), and what they leave when their process is killed. */
const names: Readonly<Record<'calibration' | 'strategy', RegExp>> = {
  calibration: /^[0-9a-f]{32}\.kvc(\.[0-9a-f]+\.tmp)?$/,
  strategy: /^[0-9a-f]{32}\.json(\.[0-9a-f]+\.tmp)?$/,
};

interface Size {
  readonly bytes: number;
  readonly files: number;
}
const nothing: Size = { bytes: 0, files: 0 };

function sum(sizes: readonly Size[]): Size {
  return sizes.reduce(
    (all, size) => ({ bytes: all.bytes + size.bytes, files: all.files + size.files }),
    nothing,
  );
}

/** Of a file, or of all that is in a folder. */
async function sizeOf(path: string): Promise<Size> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) {
    return nothing;
  }
  if (!found.isDirectory()) {
    return { bytes: found.isFile() ? found.size : 0, files: 1 };
  }
  const inside = await readdir(path).catch(() => []);
  return sum(await Promise.all(inside.map((name) => sizeOf(join(path, name)))));
}

export class StoredFilesOf {
  /** `storagePath`: the extension's own folder; `commandLinePath`: that of `niwaki` in a terminal. Whether they are there or not. */
  constructor(
    private readonly storagePath: string,
    private readonly commandLinePath: string,
  ) {}

  async list(): Promise<readonly StoredFiles[]> {
    const known = Object.entries(folders) as [OwnKind, string][];
    const kinds = known.map(async ([kind, name]): Promise<StoredFiles> => {
      const folder = join(this.storagePath, name);
      return { kind, folder, ...(await sizeOf(folder)) };
    });
    const ours = new Set(Object.values(folders));
    const rest = (await readdir(this.storagePath).catch(() => [])).filter((name) => !ours.has(name));
    const other = sum(await Promise.all(rest.map((name) => sizeOf(join(this.storagePath, name)))));
    return [
      ...(await Promise.all(kinds)),
      { kind: 'other', folder: this.storagePath, ...other },
      { kind: 'commandLine', folder: this.commandLinePath, ...(await sizeOf(this.commandLinePath)) },
    ];
  }

  /** Deletes what a store has written, and its folder where nothing else is in it. */
  async purge(kind: 'calibration' | 'strategy'): Promise<{ readonly bytes: number; readonly problem: string }> {
    const folder = join(this.storagePath, folders[kind]);
    const isOurs = (await lstat(folder).catch(() => undefined))?.isDirectory() === true; // and no link
    let bytes = 0;
    let problem = '';
    const inside = isOurs
      ? await readdir(folder).catch((error: unknown) => {
          problem = error instanceof Error ? error.message : String(error);
          return [];
        })
      : [];
    for (const name of inside) {
      if (!names[kind].test(name)) {
        continue;
      }
      const path = join(folder, name);
      const size = await sizeOf(path);
      try {
        await rm(path);
        bytes += size.bytes;
      } catch (error) {
        problem ||= error instanceof Error ? error.message : String(error);
      }
    }
    if (isOurs) {
      await rmdir(folder).catch(() => undefined); // somebody else's file is in it
    }
    return { bytes, problem };
  }
}
