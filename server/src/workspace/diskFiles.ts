/**
 * Reading files of the workspace from disk. The only place that does: bounded, text only, and never through a symbolic link, which
 * could lead out of the folder, or to a file under another name than the one that the ignore rules were asked about.
 */
import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Located } from './folders';

/** The bytes as text; undefined when they are not UTF-8 text. */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) {
    return undefined;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

async function readWhole(path: string, mostBytes: number): Promise<Uint8Array | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > mostBytes) {
      return undefined;
    }
    const bytes = new Uint8Array(stat.size);
    const { bytesRead } = await handle.read(bytes, 0, stat.size, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Undefined when it is larger, no plain file, or reached through a link below its workspace folder. Rejects as Node does. */
async function bytesInside({ folder, path }: Located, mostBytes: number): Promise<Uint8Array | undefined> {
  const file = join(folder.root, path);
  // What is no plain file could block whoever opens it.
  if (!(await lstat(file)).isFile()) {
    return undefined;
  }
  const [realRoot, realFile] = await Promise.all([realpath(folder.root), realpath(file)]);
  return realFile === join(realRoot, path) ? readWhole(realFile, mostBytes) : undefined;
}

/** Undefined when there is no such file, it is larger, no text, or reached through a link below its workspace folder. */
export async function readInside(file: Located, mostBytes: number): Promise<string | undefined> {
  try {
    const bytes = await bytesInside(file, mostBytes);
    return bytes && decodeText(bytes);
  } catch {
    return undefined; // gone, or not ours to read
  }
}

/** Codes that mean that there is no such file: `.git` may be a file itself. */
const absent = new Set(['ENOENT', 'ENOTDIR']);

/**
 * The same for files of rules: undefined only when there is none, and bytes that are no UTF-8 spoil nothing but their own line. Rejects
 * where there is one that cannot be read: who takes that for no rules would show what they hide.
 */
export async function readRulesInside(file: Located, mostBytes: number): Promise<string | undefined> {
  try {
    const bytes = await bytesInside(file, mostBytes);
    if (bytes === undefined) {
      throw new Error(
        `${file.path} is larger than ${String(mostBytes)} bytes, or no plain file of its folder.`,
      );
    }
    return new TextDecoder('utf-8').decode(bytes);
  } catch (error) {
    if (absent.has((error as NodeJS.ErrnoException).code ?? '')) {
      return undefined;
    }
    throw error;
  }
}
