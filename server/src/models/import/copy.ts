/**
 * Reads a file from beginning to end, hashes it, and writes what was read, if that is wanted. In pieces that keep nobody waiting: reading
 * and writing are the system's threads' work, and a piece is hashed in well under a millisecond, or in two where the processor has no
 * instructions for it.
 */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { cancelled, EngineError } from '../../engine';

/** Bytes. Larger ones are hashed no faster. */
const pieceBytes = 512 * 1024;

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Bytes so far. */
  readonly onProgress?: (done: number) => void;
}

/** 'same' while nobody has written to it. */
export interface FileStamp {
  readonly bytes: number;
  readonly modifiedMs: number;
}

export async function stampOf(file: FileHandle): Promise<FileStamp> {
  const { size, mtimeMs } = await file.stat();
  return { bytes: size, modifiedMs: mtimeMs };
}

export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.bytes === b.bytes && a.modifiedMs === b.modifiedMs;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at)).bytesWritten;
  }
}

/**
 * Returns the SHA-256, 64 hexadecimal digits. Rejects as cancelled with the signal, as `bad_file` when the file changes meanwhile, with the
 * system's error when it cannot be read or `to` cannot be written.
 */
export async function hashAndCopy(
  from: FileHandle,
  to: FileHandle | undefined,
  { signal, onProgress }: CopyOptions,
): Promise<string> {
  const before = await stampOf(from);
  const hash = createHash('sha256');
  let [piece, next] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  let done = 0;
  let reading = from.read(piece, 0, pieceBytes, 0);
  // One that grows is not read for ever.
  while (done <= before.bytes) {
    const { bytesRead } = await reading;
    if (bytesRead === 0) {
      break;
    }
    const bytes = piece.subarray(0, bytesRead);
    done += bytesRead;
    [piece, next] = [next, piece];
    reading = from.read(piece, 0, pieceBytes, done); // while this one is hashed and written
    reading.catch(() => undefined); // it is awaited above, unless something else fails first
    hash.update(bytes);
    if (signal.aborted) {
      await reading.catch(() => undefined);
      throw cancelled();
    }
    if (to !== undefined) {
      await writeAll(to, bytes).catch(async (error: unknown) => {
        await reading.catch(() => undefined); // nothing may be under way when the file is closed
        throw error;
      });
    }
    onProgress?.(done);
  }
  await reading;
  if (done !== before.bytes || !sameStamp(before, await stampOf(from))) {
    throw new EngineError(
      'bad_file',
      'The file was written to or replaced while it was read. Wait until it is complete, then import it again.',
    );
  }
  return hash.digest('hex');
}

/** SHA-256 of a whole file, as above. */
export async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const file = await open(path, 'r');
  try {
    return await hashAndCopy(file, undefined, { signal });
  } finally {
    await file.close();
  }
}
