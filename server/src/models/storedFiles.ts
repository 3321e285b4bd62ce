/**
 * What lies in the extension's storage folder, by kind: for whoever wants to know what is kept of them, and to delete it. Links are
 * counted as files of no size and not followed.
 */
import type { StoredFiles, StoredKind } from '#protocol';
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Purged } from './kvPageFolders';

type OwnKind = Exclude<StoredKind, 'other' | 'commandLine'>;

/** The folder of each kind in the storage folder. What lies beside them is `other`. */
const folders: Readonly<Record<OwnKind, string>> = {
  savedContext: 'pages',
  calibration: 'kv',
  strategy: 'strategy',
  models: 'models',
  conversations: 'chat',
};

/** What is deleted file by file, by the names that are ours. */
export type PurgedKind = 'calibration' | 'strategy' | 'conversations';

/**
 * Names that the stores write (calibrationStore.ts, probe/findingStore.ts, chat/store.ts), and what they leave when their process is
 * killed. Conversations lie in a folder for each workspace.
 */
const workspaceFolder = /^[0-9a-f]{32}$/;
const names: Readonly<Record<PurgedKind, RegExp>> = {
  calibration: /^[0-9a-f]{32}\.kvc(\.[0-9a-f]+\.tmp)?$/,
  strategy: /^[0-9a-f]{32}\.json(\.[0-9a-f]+\.tmp)?$/,
  conversations: /^[0-9a-f]{16}\.(?:json|partial)(\.damaged|\.[0-9a-f]+\.tmp)?$/,
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
  async purge(kind: PurgedKind): Promise<Purged> {
    const folder = join(this.storagePath, folders[kind]);
    if (kind !== 'conversations') {
      return this.purgeFolder(folder, names[kind]);
    }
    const isOurs = (await lstat(folder).catch(() => undefined))?.isDirectory() === true;
    const inside = isOurs ? await readdir(folder).catch(() => []) : [];
    let bytes = 0;
    let problem = '';
    for (const name of inside.filter((one) => workspaceFolder.test(one))) {
      const purged = await this.purgeFolder(join(folder, name), names[kind]);
      bytes += purged.bytes;
      problem ||= purged.problem;
    }
    if (isOurs) {
      await rmdir(folder).catch(() => undefined); // somebody else's file is in it
    }
    return { bytes, problem };
  }

  private async purgeFolder(folder: string, written: RegExp): Promise<Purged> {
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
      if (!written.test(name)) {
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
