/**
 * Keeps KV calibrations on disk, one file a model, named after the model's fingerprint: means and scales of the model's keys while it
 * read a text, nothing of the text itself. Beside saved context (kvPageFolders.ts), what probes have found (probe/findingStore.ts) and
 * imported models (import/) the only thing that the server ever writes.
 */
import { readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { makePrivateFolder, writeWhole } from '../util/privateFolder';

const fingerprintPattern = /^[0-9a-f]{32}$/;

/** Where what belongs to a model lies in a folder. Throws where that is no fingerprint: it becomes part of a path. */
export function modelFile(folder: string, fingerprint: string, extension: string): string {
  if (!fingerprintPattern.test(fingerprint)) {
    throw new Error(`"${fingerprint}" is no model's fingerprint.`);
  }
  return join(folder, `${fingerprint}.${extension}`);
}

/** Where programs keep what is theirs, by the system's custom: XDG's variable, Library, LOCALAPPDATA. */
export function dataFolder(
  chosen: string | undefined,
  platform = process.platform,
  environment: NodeJS.ProcessEnv = process.env,
  home = homedir(),
): string {
  if (chosen !== undefined) {
    return chosen;
  }
  switch (platform) {
    case 'win32':
      return join(environment['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'Niwaki');
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'Niwaki');
    default:
      return join(environment['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'niwaki');
  }
}

export class CalibrationStore {
  /** `folder` is made when something is first written. `others` are read where it has nothing. */
  constructor(
    private readonly folder: string,
    private readonly others: readonly string[] = [],
  ) {}

  pathOf(fingerprint: string): string {
    return modelFile(this.folder, fingerprint, 'kvc');
  }

  /** Undefined when there is none, or none that can be read. */
  async read(fingerprint: string): Promise<Uint8Array | undefined> {
    const name = basename(this.pathOf(fingerprint));
    for (const folder of [this.folder, ...this.others]) {
      const bytes = await readFile(join(folder, name)).catch(() => undefined);
      if (bytes !== undefined) {
        return bytes;
      }
    }
    return undefined;
  }

  /** Returns where it lies now. */
  async write(fingerprint: string, bytes: Uint8Array): Promise<string> {
    const path = this.pathOf(fingerprint);
    await makePrivateFolder(this.folder);
    await writeWhole(path, bytes);
    return path;
  }

  async remove(fingerprint: string): Promise<void> {
    await rm(this.pathOf(fingerprint), { force: true });
  }
}
