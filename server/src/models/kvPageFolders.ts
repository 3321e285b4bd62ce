/**
 * Where context is saved: in the folder that the client names, a folder for each folder of the workspace. The engine writes and reads
 * the files (native/src/kv/page_store.h); here they are deleted and counted, by their names. What has another name is not ours: it is
 * neither counted nor touched, and no link is followed.
 */
import { createHash } from 'node:crypto';
import { constants, lstat, open, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** As native/src/kv/page_name.h has it; test/golden/kv-page-names.txt is what both are tested against. */
const pagePattern = /^[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{16}\.nkv$/;
/** A page that is being written, or was when its process was killed. */
const temporaryPattern = /^[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{16}\.nkv\.[0-9a-f]{16}\.tmp$/;
const folderPattern = /^[0-9a-f]{32}$/;

/** While files are deleted, others may be finished; more often than this nobody looks again. */
const mostPasses = 4;

export interface SavedContextSize {
  readonly bytes: number;
  /** Pages that are there. */
  readonly files: number;
}

export interface Purged {
  readonly bytes: number;
  /** Why something is still there, '' = nothing is. */
  readonly problem: string;
}

/** What a file of this name is to us. */
export function savedFileKind(name: string): 'page' | 'temporary' | undefined {
  return pagePattern.test(name) ? 'page' : temporaryPattern.test(name) ? 'temporary' : undefined;
}

/** Whether a folder of this name may hold pages. */
export function isSavedFolder(name: string): boolean {
  return folderPattern.test(name);
}

interface SavedFile {
  readonly path: string;
  readonly bytes: number;
  readonly kind: 'page' | 'temporary';
}

/** Whether there is a folder, and not a link to one. */
async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}

async function filesIn(folder: string): Promise<SavedFile[]> {
  const files: SavedFile[] = [];
  for (const name of (await isFolder(folder)) ? await readdir(folder).catch(() => []) : []) {
    const kind = savedFileKind(name);
    const path = join(folder, name);
    const found = kind === undefined ? undefined : await lstat(path).catch(() => undefined);
    if (kind !== undefined && found !== undefined && !found.isDirectory()) {
      files.push({ path, bytes: found.isFile() ? found.size : 0, kind });
    }
  }
  return files;
}

/** Where a page's header says in words what it was made with (native/src/kv/page_header.h). */
const kindAt = 648;
const kindBytes = 128;
/** Not every system has it. */
const noFollow = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

/** The fingerprint of the model whose page this is; undefined = it does not say. */
async function modelOf(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | noFollow).catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await file?.read(Buffer.alloc(kindBytes), 0, kindBytes, kindAt)) ?? {};
    return /\bmodel ([0-9a-f]{32});/.exec(buffer?.toString('latin1', 0, bytesRead) ?? '')?.[1];
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

async function purgeFolder(folder: string): Promise<Purged> {
  let bytes = 0;
  const failed = new Map<string, string>();
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const files = (await filesIn(folder)).filter(({ path }) => !failed.has(path));
    for (const file of files) {
      try {
        await unlink(file.path);
        bytes += file.bytes;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          failed.set(file.path, error instanceof Error ? error.message : String(error));
        }
      }
    }
    if (files.length === 0) {
      break;
    }
  }
  await rmdir(folder).catch(() => undefined); // somebody else's file is in it, or there was none
  const [first] = failed.values();
  const problem =
    first === undefined ? '' : `${String(failed.size)} files of saved context could not be deleted: ${first}`;
  return { bytes, problem };
}

export class KvPageFolders {
  /** Of all workspaces. */
  readonly root: string;

  /** `storagePath`: a folder of the extension's own. Nothing is made here; the engine makes what it writes to. */
  constructor(storagePath: string) {
    this.root = join(storagePath, 'pages');
  }

  /**
   * The folder for the pages of a folder of the workspace, by its URI; '' stands for documents that are in none. Its name says nothing
   * to somebody who looks; who guesses the URI can check the guess.
   */
  folderOf(workspace: string): string {
    const uri = workspace.replace(/\/+$/, '');
    return join(this.root, createHash('sha256').update(`niwaki workspace\n${uri}`).digest('hex').slice(0, 32));
  }

  /** Of all workspaces together. */
  async size(): Promise<SavedContextSize> {
    const files = (await Promise.all((await this.folders()).map(filesIn))).flat();
    return {
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      files: files.filter(({ kind }) => kind === 'page').length,
    };
  }

  /** Deletes what is saved for these folders of a workspace (null = all that there is), and the folders where nothing else is. */
  async purge(workspaces: readonly string[] | null): Promise<Purged> {
    const folders =
      workspaces === null
        ? await this.folders()
        : (await isFolder(this.root))
          ? workspaces.map((workspace) => this.folderOf(workspace))
          : [];
    let bytes = 0;
    let problem = '';
    for (const folder of folders) {
      const purged = await purgeFolder(folder);
      bytes += purged.bytes;
      problem ||= purged.problem;
    }
    if (folders.length > 0) {
      await rmdir(this.root).catch(() => undefined); // not empty
    }
    return { bytes, problem };
  }

  /** Deletes what is saved of a model, by its fingerprint, in all folders. Pages that cannot be read are left to the engine. */
  async purgeModel(fingerprint: string): Promise<Purged> {
    let bytes = 0;
    let problem = '';
    for (const folder of await this.folders()) {
      for (const file of await filesIn(folder)) {
        if (file.kind !== 'page' || (await modelOf(file.path)) !== fingerprint) {
          continue;
        }
        try {
          await unlink(file.path);
          bytes += file.bytes;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
            problem ||= `Saved context could not be deleted: ${error instanceof Error ? error.message : String(error)}`;
          }
        }
      }
      await rmdir(folder).catch(() => undefined); // not empty
    }
    await rmdir(this.root).catch(() => undefined); // not empty, or never made
    return { bytes, problem };
  }

  private async folders(): Promise<string[]> {
    const names = (await isFolder(this.root)) ? await readdir(this.root).catch(() => []) : [];
    return names.filter(isSavedFolder).map((name) => join(this.root, name));
  }
}
