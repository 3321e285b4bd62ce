/**
 * Keeps KV calibrations on disk, one file a model, named after the model's fingerprint: numbers about the model, nothing of any
 * user's text. The only thing that the server ever writes.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fingerprintPattern = /^[0-9a-f]{32}$/;

/** All or nothing: whoever reads meanwhile sees the old file or the new one. */
export async function writeWhole(path: string, bytes: Uint8Array, mode = 0o666): Promise<void> {
  const temporary = `${path}.${String(process.pid)}.tmp`;
  try {
    await writeFile(temporary, bytes, { mode });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

export class CalibrationStore {
  /** `folder` is made when something is first written. */
  constructor(private readonly folder: string) {}

  pathOf(fingerprint: string): string {
    if (!fingerprintPattern.test(fingerprint)) {
      throw new Error(`"${fingerprint}" is no model's fingerprint.`);
    }
    return join(this.folder, `${fingerprint}.kvc`);
  }

  /** Undefined when there is none, or none that can be read. */
  async read(fingerprint: string): Promise<Uint8Array | undefined> {
    return readFile(this.pathOf(fingerprint)).catch(() => undefined);
  }

  /** Returns where it lies now. */
  async write(fingerprint: string, bytes: Uint8Array): Promise<string> {
    const path = this.pathOf(fingerprint);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await writeWhole(path, bytes, 0o600); // nobody else's business
    return path;
  }

  async remove(fingerprint: string): Promise<void> {
    await rm(this.pathOf(fingerprint), { force: true });
  }
}
