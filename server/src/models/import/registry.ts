/**
 * What is known of imported models: a small file for each, written as a whole, and one that says which of them is the chat model. Nobody
 * holds a lock: windows that import at the same time write files of their own, and of two who import the same contents either may win.
 */
import type { ModelSpeed } from '#protocol';
import { readFile, rename, rm } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { makePrivateFolder } from '../../util/privateFolder';
import { entryName, idOfCopy, idOfEntry, isModelId, modelIdOf, namesIn, writeSmall } from './folder';

/** Raised when entries change in a way that older servers do not read. */
const version = 1;
const rolesName = 'roles.json';

export interface ModelEntry {
  readonly id: string;
  readonly kind: 'copy' | 'reference';
  /** A copy's name in the folder; of a reference its absolute path. */
  readonly file: string;
  /** What the file was called when it was imported. */
  readonly fileName: string;
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  /** As it was imported; with `sha256` they say whether it still is. */
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly sha256: string;
  /** ModelInfo.fingerprint: what belongs to the model is kept by it. */
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly importedAt: number;
  readonly speed?: ModelSpeed;
}

function isSpeed(value: unknown): value is ModelSpeed {
  const speed = (value ?? {}) as Partial<ModelSpeed>;
  return (
    [speed.prefill, speed.decode, speed.threads, speed.measuredAt].every(
      (number) => typeof number === 'number' && Number.isFinite(number),
    ) && typeof speed.kernels === 'string'
  );
}

/** Undefined when it is not what was written. */
export function parseEntry(id: string, text: string): ModelEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const raw = (value ?? {}) as Partial<ModelEntry> & { version?: unknown };
  const texts = [raw.file, raw.fileName, raw.name, raw.architecture];
  const numbers = [raw.parameters, raw.bytes, raw.modifiedMs, raw.importedAt];
  const sound =
    raw.version === version &&
    raw.id === id &&
    texts.every((text_) => typeof text_ === 'string') &&
    numbers.every((number) => typeof number === 'number' && Number.isFinite(number) && number >= 0) &&
    /^[0-9a-f]{64}$/.test(raw.sha256 ?? '') &&
    modelIdOf(raw.sha256 ?? '') === id &&
    /^[0-9a-f]{32}$/.test(raw.fingerprint ?? '') &&
    (raw.speed === undefined || isSpeed(raw.speed)) &&
    // A copy lies in the folder, whatever the entry says: it is deleted by this name.
    (raw.kind === 'copy' ? idOfCopy(raw.file ?? '') === id && basename(raw.file ?? '') === raw.file : true) &&
    (raw.kind === 'copy' || (raw.kind === 'reference' && isAbsolute(raw.file ?? '')));
  if (!sound) {
    return undefined;
  }
  delete raw.version; // the file's, not the entry's
  return raw as ModelEntry;
}

export class ModelRegistry {
  constructor(readonly folder: string) {}

  pathOf({ kind, file }: ModelEntry): string {
    return kind === 'copy' ? join(this.folder, file) : file;
  }

  /** The earliest import first. Damaged entries are left out; `damaged` gets their ids. */
  async read(damaged: (id: string) => void = () => undefined): Promise<readonly ModelEntry[]> {
    const entries: ModelEntry[] = [];
    for (const name of await namesIn(this.folder)) {
      const id = idOfEntry(name);
      const text = id === undefined ? undefined : await readFile(join(this.folder, name), 'utf8').catch(() => undefined);
      const entry = id === undefined || text === undefined ? undefined : parseEntry(id, text);
      if (entry !== undefined) {
        entries.push(entry);
      } else if (id !== undefined && text !== undefined) {
        damaged(id);
      }
    }
    return entries.sort((a, b) => a.importedAt - b.importedAt || a.id.localeCompare(b.id));
  }

  async find(id: string): Promise<ModelEntry | undefined> {
    const text = isModelId(id)
      ? await readFile(join(this.folder, entryName(id)), 'utf8').catch(() => undefined)
      : undefined;
    return text === undefined ? undefined : parseEntry(id, text);
  }

  async findByPath(path: string): Promise<ModelEntry | undefined> {
    return (await this.read()).find((entry) => this.pathOf(entry) === path);
  }

  async write(entry: ModelEntry): Promise<void> {
    await makePrivateFolder(this.folder);
    await this.writeFile(entryName(entry.id), { version, ...entry });
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.folder, entryName(id)), { force: true });
    if ((await this.chatModel()) === id) {
      await this.setChatModel('');
    }
  }

  /** A damaged entry is kept, under another name. */
  async putAside(id: string): Promise<void> {
    const path = join(this.folder, entryName(id));
    await rename(path, `${path}.damaged`);
  }

  /** '' = none. */
  async chatModel(): Promise<string> {
    const text = await readFile(join(this.folder, rolesName), 'utf8').catch(() => '');
    try {
      const { chat } = JSON.parse(text) as { chat?: unknown };
      return typeof chat === 'string' && isModelId(chat) ? chat : '';
    } catch {
      return ''; // there is none, or it is damaged: it says one thing, which the user says again
    }
  }

  async setChatModel(id: string): Promise<void> {
    if (id === '') {
      await rm(join(this.folder, rolesName), { force: true });
      return;
    }
    await this.writeFile(rolesName, { version, chat: id });
  }

  private async writeFile(name: string, value: object): Promise<void> {
    await writeSmall(this.folder, name, `${JSON.stringify(value, null, 1)}\n`);
  }
}
