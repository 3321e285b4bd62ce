/**
 * The folder that imported models lie in: names of its files, and what is cleared up there. A copy is called by the first 16 digits of its
 * SHA-256 and its former name; what is known of a model stands in a small file of its own, so that windows that import at the same time
 * do not write to the same file.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const idPattern = /^[0-9a-f]{16}$/;
const copyPattern = /^([0-9a-f]{16})-[^/\\]+\.gguf$/;
const entryPattern = /^([0-9a-f]{16})\.json$/;
/** Of a copy that is being made, or of one that is being deleted: machine, process, chance. */
const partPattern = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{16}\.part$/;

/** A copy that nobody has written to for so long is nobody's, even where its process seems to live: numbers are given out again. */
const abandonedMs = 60 * 60_000;
/** The same for processes of other machines that share the folder, of which one cannot know. */
const abandonedElsewhereMs = 24 * 60 * 60_000;

/** In which process numbers count: containers may have one name and see the same folder, but not each other's processes. */
function numberSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // a system without
  }
}

const machine = createHash('sha256').update(`${hostname()}\n${numberSpace()}`).digest('hex').slice(0, 8);

export function isModelId(text: string): boolean {
  return idPattern.test(text);
}

/** From the SHA-256: whoever imports the same contents gets the same id. */
export function modelIdOf(sha256: string): string {
  return sha256.slice(0, 16);
}

/** A name that every system takes, from a file's name without its folder. */
export function copyName(id: string, fileName: string): string {
  const stem = fileName.replace(/\.gguf$/i, '');
  const safe = stem.replace(/[^\p{L}\p{N}._+ -]/gu, '_').replace(/^[. ]+|[. ]+$/g, '');
  return `${id}-${Array.from(safe).slice(0, 60).join('') || 'model'}.gguf`;
}

/** The copies of a model that are there: one, but for a moment in which two windows have imported the same contents under two names. */
export async function copiesOf(folder: string, id: string): Promise<readonly string[]> {
  return (await namesIn(folder)).filter((name) => idOfCopy(name) === id);
}

export function entryName(id: string): string {
  return `${id}.json`;
}

/** The id that a copy's name says; undefined = it is no copy's. */
export function idOfCopy(name: string): string | undefined {
  return copyPattern.exec(name)?.[1];
}

export function idOfEntry(name: string): string | undefined {
  return entryPattern.exec(name)?.[1];
}

export function newPartName(): string {
  return `${machine}-${String(process.pid)}-${randomBytes(8).toString('hex')}.part`;
}

/** Names in the folder, none where there is no folder. A link to a folder is not followed. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  const there = await lstat(folder).catch(() => undefined);
  return there?.isDirectory() === true ? await readdir(folder).catch(() => []) : [];
}

/** So that a name that was given or taken away is on the disk, where the system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close().catch(() => undefined);
}

/** All or nothing, also when the machine loses its power. What a killed process leaves is swept as a part. */
export async function writeSmall(folder: string, name: string, text: string): Promise<void> {
  const part = join(folder, newPartName());
  try {
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, join(folder, name));
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether nobody is at work with a part any more. */
export function isAbandoned(name: string, modifiedMs: number, now = Date.now()): boolean {
  const [, host, pid] = partPattern.exec(name) ?? [];
  if (host === undefined || pid === undefined) {
    return false;
  }
  const age = now - modifiedMs;
  return host === machine
    ? !isAlive(Number(pid)) || (age > abandonedMs && Number(pid) !== process.pid)
    : age > abandonedElsewhereMs;
}

/** Whether nobody has written to a file for so long that nobody is at work with it: a copy gets its name and its entry at once. */
export async function isForgotten(path: string, now = Date.now()): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && now - found.mtimeMs > abandonedMs;
}

/** Deletes what killed processes have left. Returns how many files that were. */
export async function sweepParts(folder: string): Promise<number> {
  let swept = 0;
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const found = partPattern.test(name) ? await lstat(path).catch(() => undefined) : undefined;
    if (found?.isFile() === true && isAbandoned(name, found.mtimeMs)) {
      await rm(path, { force: true }).then(
        () => (swept += 1),
        () => undefined,
      );
    }
  }
  return swept;
}
