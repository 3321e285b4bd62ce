/**
 * The imported models: what there is, taking another one in, letting one go. What a killed server has left is cleared up before anything
 * else is done, and entries that are lost are made again from the copies.
 */
import { existsSync } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EnginePort } from '../../engine';
import type { Log } from '../../util/log';
import { judge, type CatalogueEntry, type Judgement } from './catalogue';
import { hashAndCopy } from './copy';
import { fileProblem } from './fileState';
import { copiesOf, idOfCopy, idOfEntry, isForgotten, modelIdOf, namesIn, newPartName, sweepParts } from './folder';
import { freeBytesIn, ModelImporter, type Checked, type Imported, type ImportOptions } from './importer';
import { ModelRegistry, type ModelEntry } from './registry';
import { factsOf } from './summary';

export interface LibraryOptions {
  readonly engine: EnginePort;
  readonly log: Log;
  /** Made when something is first imported. */
  readonly folder: string;
  /** Asked once; without a catalogue all models are unknown. */
  readonly catalogue: () => Promise<readonly CatalogueEntry[]>;
  readonly freeBytes?: (folder: string) => Promise<number>;
}

const never = new AbortController().signal;

export class ModelLibrary {
  readonly registry: ModelRegistry;
  private readonly importer: ModelImporter;
  private readonly found: string[] = [];
  private clearing: Promise<void> | undefined;
  private known: Promise<readonly CatalogueEntry[]> | undefined;

  constructor(private readonly options: LibraryOptions) {
    this.registry = new ModelRegistry(options.folder);
    this.importer = new ModelImporter({
      ...options,
      registry: this.registry,
      catalogue: () => this.catalogue(),
    });
  }

  get folder(): string {
    return this.options.folder;
  }

  /** What was found damaged since the process began, in sentences. */
  get notes(): readonly string[] {
    return this.found;
  }

  /** Once a process: deletes what killed ones have left, puts damaged entries aside, makes entries of copies that have none. */
  clear(): Promise<void> {
    this.clearing ??= this.clearUp().catch((error: unknown) => {
      this.options.log.warn(`The folder of imported models could not be cleared up: ${String(error)}`);
    });
    return this.clearing;
  }

  async list(): Promise<readonly ModelEntry[]> {
    await this.clear();
    return this.registry.read((id) => {
      this.say(`What is known of the model ${id} cannot be read. Restart Niwaki to have it put right, as far as possible.`);
    });
  }

  async find(id: string): Promise<ModelEntry | undefined> {
    await this.clear();
    return this.registry.find(id);
  }

  pathOf(entry: ModelEntry): string {
    return this.registry.pathOf(entry);
  }

  async judgementOf(entry: ModelEntry): Promise<Judgement> {
    const judgement = judge(await this.catalogue(), entry, entry.sha256);
    return { ...judgement, problem: '' }; // it was not refused when it was imported
  }

  check(path: string): Promise<Checked> {
    return this.importer.check(path);
  }

  async import(path: string, options: ImportOptions): Promise<Imported> {
    await this.clear();
    await sweepParts(this.folder); // another window's server may have been killed since
    return this.importer.import(path, options);
  }

  /** Where the folder is, or will be. 0 = nobody knows. */
  async freeBytes(): Promise<number> {
    const free = this.options.freeBytes ?? freeBytesIn;
    let folder = this.folder;
    while (!existsSync(folder) && dirname(folder) !== folder) {
      folder = dirname(folder);
    }
    return free(folder).catch(() => 0);
  }

  /** Of a file that is about to be loaded: '' = it is as it was imported, or was never imported. */
  async problemOf(path: string): Promise<string> {
    const real = await realpath(path).catch(() => path); // a setting may name a link to it
    const entry = (await this.registry.findByPath(path)) ?? (await this.registry.findByPath(real));
    return entry === undefined ? '' : fileProblem(this.registry, entry);
  }

  /** Forgets it, and deletes it where it is a copy. Returns the bytes that are free now. */
  async remove(entry: ModelEntry): Promise<number> {
    if (entry.kind === 'reference') {
      await this.registry.remove(entry.id);
      return 0;
    }
    let bytes = 0;
    const parts: string[] = [];
    for (const name of await copiesOf(this.folder, entry.id)) {
      // Under another name first: whoever is killed in the middle of this leaves no copy that would be taken in again.
      const path = join(this.folder, name);
      const part = join(this.folder, newPartName());
      const size = (await stat(path).catch(() => undefined))?.size ?? 0;
      try {
        await rename(path, part);
        parts.push(part);
        bytes += size;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          throw error;
        }
      }
    }
    await this.registry.remove(entry.id);
    for (const part of parts) {
      await rm(part, { force: true });
    }
    return bytes;
  }

  private catalogue(): Promise<readonly CatalogueEntry[]> {
    this.known ??= this.options.catalogue().catch((error: unknown) => {
      this.options.log.warn(`The catalogue of known models cannot be read: ${String(error)}`);
      return [];
    });
    return this.known;
  }

  private say(note: string): void {
    if (!this.found.includes(note)) {
      this.found.push(note);
      this.options.log.warn(note);
    }
  }

  private async clearUp(): Promise<void> {
    const { folder, log } = this.options;
    const swept = await sweepParts(folder);
    if (swept > 0) {
      log.info(`Deleted ${String(swept)} copies of models that were never finished, or not wanted any more.`);
    }
    const damaged: string[] = [];
    await this.registry.read((id) => damaged.push(id));
    for (const id of damaged) {
      await this.registry.putAside(id);
    }
    await this.deleteSpareCopies();
    const names = await namesIn(folder);
    const known = new Set(names.map(idOfEntry));
    const copies = names.filter((name) => {
      const id = idOfCopy(name);
      return id !== undefined && !known.has(id);
    });
    const adopted = new Set<string>();
    for (const name of copies) {
      const id = await this.adopt(name).catch((error: unknown) => {
        this.say(`The copy ${join(folder, name)} cannot be used: ${String(error)} Delete it, and import the model again.`);
        return undefined;
      });
      if (id !== undefined) {
        adopted.add(id);
      }
    }
    for (const id of damaged) {
      this.say(
        adopted.has(id)
          ? `What was known of the model ${id} was damaged; it has been made again from the copy. Its roles and its speed are to be set again.`
          : `What was known of the model ${id} was damaged and has been put aside (${id}.json.damaged). Import its file again.`,
      );
    }
  }

  /** Two windows that import the same contents under two names in one moment leave two copies, of which the entry names one. */
  private async deleteSpareCopies(): Promise<void> {
    for (const entry of await this.registry.read()) {
      for (const name of await copiesOf(this.folder, entry.id)) {
        const path = join(this.folder, name);
        // Neither the entry's own, nor one whose window is just about to write its entry.
        if (entry.kind === 'copy' && name !== entry.file && (await isForgotten(path))) {
          await rm(path, { force: true }).catch(() => undefined);
        }
      }
    }
  }

  /** Makes an entry of a copy that has none. Returns its id; throws where it is not what its name says. */
  private async adopt(name: string): Promise<string> {
    const { engine, folder } = this.options;
    const path = join(folder, name);
    const summary = await engine.inspect(path);
    if (summary.problem !== '') {
      throw new Error(summary.problem);
    }
    const file = await open(path, 'r');
    try {
      const { size, mtimeMs } = await file.stat();
      const sha256 = await hashAndCopy(file, undefined, { signal: never });
      const id = modelIdOf(sha256);
      if (idOfCopy(name) !== id) {
        throw new Error('its contents are not those that its name says.');
      }
      // Another window may have written its entry meanwhile, or deleted the copy.
      if ((await this.registry.find(id)) !== undefined || !(await namesIn(folder)).includes(name)) {
        return id;
      }
      const facts = factsOf(path, summary);
      const fileName = name.slice(id.length + 1);
      await this.registry.write({
        ...{ id, kind: 'copy', file: name, fileName, name: facts.name || fileName, bytes: size, modifiedMs: mtimeMs },
        ...{ architecture: facts.architecture, parameters: facts.parameters },
        ...{ sha256, fingerprint: summary.fingerprint, importedAt: Date.now() },
      });
      return id;
    } finally {
      await file.close();
    }
  }
}
