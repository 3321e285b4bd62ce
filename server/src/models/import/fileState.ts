/** Whether an imported file is still what it was: by size and time, and where these have changed, by its SHA-256. */
import { open, stat } from 'node:fs/promises';
import { isCancelled } from '../../engine';
import { hashAndCopy, hashOf } from './copy';
import type { ModelEntry, ModelRegistry } from './registry';

function gone(path: string, kind: ModelEntry['kind']): string {
  return kind === 'copy'
    ? `Niwaki's copy ${path} is gone: somebody has deleted it. Import the model again, or remove it from the list.`
    : `The file ${path} is not there any more: it was moved, renamed or deleted, or its disk is not connected. Import it again from where ` +
        'it lies now, or remove it from the list.';
}

function changed(path: string): string {
  return (
    `The file ${path} is not the one that was imported: its contents have changed since. If that is what you want, import it again; ` +
    'otherwise get it again from its maker.'
  );
}

/** What a glance shows, without reading the file. 'touched': size or time are others, the contents may be the same. */
export async function glance(
  registry: ModelRegistry,
  entry: ModelEntry,
): Promise<'same' | 'touched' | 'changed' | 'gone'> {
  const found = await stat(registry.pathOf(entry)).catch(() => undefined);
  if (found?.isFile() !== true) {
    return 'gone';
  }
  if (found.size !== entry.bytes) {
    return 'changed';
  }
  return found.mtimeMs === entry.modifiedMs ? 'same' : 'touched';
}

/**
 * '' = the file is as it was imported; else a sentence that says what has become of it and what to do. A file that was only touched is
 * read once, and its new time noted.
 */
export async function fileProblem(
  registry: ModelRegistry,
  entry: ModelEntry,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const path = registry.pathOf(entry);
  const seen = await glance(registry, entry);
  if (seen !== 'touched') {
    return seen === 'same' ? '' : seen === 'gone' ? gone(path, entry.kind) : changed(path);
  }
  const file = await open(path, 'r');
  try {
    const { mtimeMs } = await file.stat();
    if ((await hashAndCopy(file, undefined, { signal })) !== entry.sha256) {
      return changed(path);
    }
    // Unless it was removed from the list meanwhile.
    if ((await registry.find(entry.id)) !== undefined) {
      await registry.write({ ...entry, modifiedMs: mtimeMs });
    }
    return '';
  } finally {
    await file.close();
  }
}

/** The same by the contents alone, whatever size and time say, and the SHA-256 as it is now; '' = it cannot be read. */
export async function contentsOf(
  registry: ModelRegistry,
  entry: ModelEntry,
  signal: AbortSignal,
): Promise<{ readonly sha256: string; readonly problem: string }> {
  const path = registry.pathOf(entry);
  if ((await glance(registry, entry)) === 'gone') {
    return { sha256: '', problem: gone(path, entry.kind) };
  }
  try {
    const sha256 = await hashOf(path, signal);
    return { sha256, problem: sha256 === entry.sha256 ? '' : changed(path) };
  } catch (error) {
    if (isCancelled(error)) {
      throw error;
    }
    return { sha256: '', problem: `The file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
