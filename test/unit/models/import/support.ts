/** What the tests of importing share: a folder, files in it, and an engine that takes them for models. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError, ScriptedEngine, type FileSummary } from '../../../../server/src/engine';
import { ModelLibrary, type CatalogueEntry, type LibraryOptions } from '../../../../server/src/models';
import { silentLog, type Log } from '../../../../server/src/util/log';

/** Takes everything for a model but what begins with "broken"; a model's fingerprint is made of its contents. */
export class FileEngine extends ScriptedEngine {
  override async inspect(path: string): Promise<FileSummary> {
    const bytes = readFileSync(path);
    if (bytes.length === 0) {
      throw new EngineError('bad_file', `"${path}" is empty. Get it again.`);
    }
    const broken = bytes.subarray(0, 6).toString() === 'broken';
    return {
      version: 3,
      fileBytes: (await stat(path)).size,
      metadata: { 'general.architecture': 'qwen3', 'general.name': 'Bonsai 8B', 'qwen3.context_length': '4096' },
      tensors: [{ name: 'token_embd.weight', type: 'Q1_0', shape: [128, 100], bytes: 1800 }],
      problem: broken ? 'it is broken. Get it again' : '',
      fingerprint: broken ? '' : createHash('md5').update(bytes).digest('hex'),
    };
  }
}

export function sha256Of(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export const bonsai: CatalogueEntry = {
  id: 'bonsai',
  name: 'Bonsai 8B',
  architecture: 'qwen3',
  parameters: 12_800,
  file: { name: 'Bonsai-8B-Q1_0.gguf', bytes: 8, exact: true, sha256: sha256Of('the real') },
  licence: 'Apache-2.0',
  notes: 'By its makers.',
};

export class Stage {
  readonly root = mkdtempSync(join(tmpdir(), 'niwaki import é-'));
  /** Where imported models go. */
  readonly folder = join(this.root, 'storage', 'models');
  readonly said: string[] = [];

  file(name: string, text: string): string {
    const path = join(this.root, name);
    writeFileSync(path, text);
    return path;
  }

  library(options: Partial<LibraryOptions> = {}): ModelLibrary {
    const log: Log = { ...silentLog, warn: (message) => this.said.push(message) };
    const catalogue = () => Promise.resolve([bonsai]);
    return new ModelLibrary({ engine: new FileEngine(), log, folder: this.folder, catalogue, ...options });
  }

  /** Names in the folder of imported models. */
  names(): string[] {
    try {
      return readdirSync(this.folder).sort();
    } catch {
      return [];
    }
  }

  end(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
