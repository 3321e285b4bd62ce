/**
 * Takes a model file in: looked into, read and hashed once, compared with the catalogue, and either copied or noted where it lies. A copy
 * has its name only once all of it is on the disk; whatever goes wrong before, nothing is left of it.
 */
import type { ModelProgressNotification } from '#protocol';
import { open, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { cancelled, EngineError, isCancelled, type EnginePort } from '../../engine';
import { makePrivateFolder } from '../../util/privateFolder';
import { sizeInWords } from '../kvPlan';
import { claimOf, judge, type CatalogueEntry, type FileFacts, type Judgement } from './catalogue';
import { hashAndCopy, sameStamp, stampOf, type FileStamp } from './copy';
import { fileProblem } from './fileState';
import { copyName, modelIdOf, newPartName, syncFolder } from './folder';
import type { ModelEntry, ModelRegistry } from './registry';
import { factsOf, headerNumber, partsOf } from './summary';

export type ImportPhase = Extract<
  ModelProgressNotification.Params['phase'],
  'copying' | 'hashing' | 'finishing'
>;

export interface ImportOptions {
  readonly kind: 'copy' | 'reference';
  readonly signal: AbortSignal;
  readonly onProgress?: (phase: ImportPhase, done: number, total: number) => void;
}

export interface Imported {
  readonly entry: ModelEntry;
  /** The same contents were there before. */
  readonly already: boolean;
}

export interface ImporterDeps {
  readonly engine: EnginePort;
  readonly registry: ModelRegistry;
  readonly catalogue: () => Promise<readonly CatalogueEntry[]>;
  /** Bytes that somebody without special rights can still write there; absent = the file system's figure. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export interface Checked {
  readonly facts: FileFacts;
  /** Tokens. */
  readonly contextLength: number;
  readonly stamp: FileStamp;
  readonly judgement: Judgement;
}

/** Left free besides the copy: the disk is somebody else's too. */
const spareBytes = 8 * 2 ** 20;

export async function freeBytesIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function refuse(message: string): EngineError {
  return new EngineError('bad_file', message);
}

function sentence(text: string): string {
  return /[.!]$/.test(text) ? text : `${text}.`;
}

/** What the system says, in words that say what to do. */
async function inWords(error: unknown, path: string, folder: string): Promise<unknown> {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return (await stat(path).catch(() => undefined)) === undefined
        ? new EngineError('not_found', `There is no file "${path}". Check the path.`)
        : new EngineError(
            'bad_file',
            `The copy of "${path}" was taken away while it was made: another program has changed "${folder}". Import it again.`,
          );
    case 'ENOSPC':
    case 'EDQUOT':
      return new EngineError(
        'out_of_memory',
        `The disk is full: the copy of "${path}" has no room in "${folder}". Nothing of it was kept. Make room, or import the file by ` +
          'reference, which takes none.',
      );
    case 'EACCES':
    case 'EPERM':
      return new EngineError('bad_file', `You may not read "${path}", or not write to "${folder}". Check the permissions.`);
    default:
      return error;
  }
}

export class ModelImporter {
  constructor(private readonly deps: ImporterDeps) {}

  /** Looks into the header. Rejects with the reason where the file cannot be imported. */
  async check(path: string): Promise<Checked> {
    const { engine, catalogue, registry } = this.deps;
    if (!isAbsolute(path)) {
      throw new EngineError('invalid_argument', `"${path}" is no absolute path of this machine.`);
    }
    try {
      const found = await stat(path);
      if (!found.isFile()) {
        throw refuse(`"${path}" is no file. Choose a .gguf file.`);
      }
      const parts = partsOf(path);
      if (parts > 1) {
        throw refuse(
          `"${path}" is one of ${String(parts)} parts of a model, and models are imported as one file. Join the parts (llama.cpp's ` +
            'gguf-split --merge does), or name a part in the setting niwaki.model.path, which loads all of them from where they lie.',
        );
      }
      const summary = await engine.inspect(path);
      if (summary.problem !== '') {
        throw new EngineError('unsupported', sentence(`"${path}" cannot be used: ${summary.problem}`));
      }
      const facts = factsOf(path, summary);
      const judgement = claimOf(await catalogue(), facts);
      if (judgement.problem !== '') {
        throw refuse(judgement.problem);
      }
      const contextLength = headerNumber(summary, 'context_length');
      return { facts, contextLength, stamp: { bytes: found.size, modifiedMs: found.mtimeMs }, judgement };
    } catch (error) {
      throw await inWords(error, path, registry.folder);
    }
  }

  /** Rejects as cancelled with the signal, else with a reason for the user. */
  async import(path: string, options: ImportOptions): Promise<Imported> {
    const { stamp } = await this.check(path);
    try {
      const source = await open(path, 'r');
      try {
        if (!sameStamp(stamp, await stampOf(source))) {
          throw refuse(`"${path}" was written to or replaced just now. Wait until it is complete, then import it again.`);
        }
        return options.kind === 'copy'
          ? await this.copy(path, source, stamp, options)
          : await this.note(path, source, stamp, options);
      } finally {
        await source.close();
      }
    } catch (error) {
      throw isCancelled(error) ? error : await inWords(error, path, this.deps.registry.folder);
    }
  }

  private async note(
    path: string,
    source: FileHandle,
    stamp: FileStamp,
    { signal, onProgress }: ImportOptions,
  ): Promise<Imported> {
    const sha256 = await hashAndCopy(source, undefined, {
      signal,
      onProgress: (done) => onProgress?.('hashing', done, stamp.bytes),
    });
    return this.register(path, 'reference', path, sha256, stamp, signal);
  }

  private async copy(
    path: string,
    source: FileHandle,
    stamp: FileStamp,
    { signal, onProgress }: ImportOptions,
  ): Promise<Imported> {
    const { folder } = this.deps.registry;
    await makePrivateFolder(folder);
    await this.checkRoom(path, stamp.bytes);
    const part = join(folder, newPartName());
    try {
      const target = await open(part, 'wx', 0o600);
      let sha256: string;
      try {
        sha256 = await hashAndCopy(source, target, {
          signal,
          onProgress: (done) => onProgress?.('copying', done, stamp.bytes),
        });
        onProgress?.('finishing', 0, 0);
        await target.sync();
      } finally {
        await target.close();
      }
      return await this.register(path, 'copy', part, sha256, stamp, signal);
    } finally {
      await rm(part, { force: true }); // it has another name now, or was not wanted
    }
  }

  /** `where` the contents are now: a part that becomes the copy, or the file itself. */
  private async register(
    path: string,
    kind: 'copy' | 'reference',
    where: string,
    sha256: string,
    stamp: FileStamp,
    signal: AbortSignal,
  ): Promise<Imported> {
    const { engine, registry, catalogue } = this.deps;
    const id = modelIdOf(sha256);
    const there = await registry.find(id);
    const enough = there !== undefined && (there.kind === 'copy' || kind === 'reference');
    if (enough && (await fileProblem(registry, there, signal)) === '') {
      return { entry: there, already: true };
    }
    // Of what was read and hashed, not of what lay there when it was first looked into.
    const summary = await engine.inspect(where);
    if (summary.problem !== '') {
      throw new EngineError('unsupported', sentence(`"${path}" cannot be used: ${summary.problem}`));
    }
    const facts = factsOf(path, summary);
    const { problem } = judge(await catalogue(), facts, sha256);
    if (problem !== '') {
      throw refuse(problem);
    }
    if (signal.aborted) {
      throw cancelled();
    }
    let [file, modifiedMs] = [path, stamp.modifiedMs];
    if (kind === 'copy') {
      file = copyName(id, facts.fileName);
      await rename(where, join(registry.folder, file));
      await syncFolder(registry.folder);
      modifiedMs = (await stat(join(registry.folder, file))).mtimeMs;
    }
    const entry: ModelEntry = {
      id,
      kind,
      file,
      fileName: facts.fileName,
      name: facts.name || facts.fileName,
      architecture: facts.architecture,
      parameters: facts.parameters,
      bytes: stamp.bytes,
      modifiedMs,
      sha256,
      fingerprint: summary.fingerprint,
      importedAt: Date.now(),
    };
    await registry.write(entry);
    if (kind === 'reference') {
      await this.replaceAt(path, id);
    }
    if (there?.kind === 'copy' && there.file !== file) {
      await rm(registry.pathOf(there), { force: true }); // a damaged one, of another name
    }
    return { entry, already: false };
  }

  /** What was noted at this path before is not there any more: another file is. It takes over the role. */
  private async replaceAt(path: string, id: string): Promise<void> {
    const { registry } = this.deps;
    for (const old of await registry.read()) {
      if (old.kind === 'reference' && old.file === path && old.id !== id) {
        const chat = await registry.chatModel();
        await registry.remove(old.id);
        if (chat === old.id) {
          await registry.setChatModel(id);
        }
      }
    }
  }

  private async checkRoom(path: string, bytes: number): Promise<void> {
    const { folder } = this.deps.registry;
    const free = await (this.deps.freeBytes ?? freeBytesIn)(folder);
    if (free < bytes + spareBytes) {
      throw new EngineError(
        'out_of_memory',
        `There is no room for a copy of "${path}": it takes ${sizeInWords(bytes)}, and the disk of "${folder}" has ` +
          `${sizeInWords(free)} free. Make room, or import the file by reference, which takes none.`,
      );
    }
  }
}
