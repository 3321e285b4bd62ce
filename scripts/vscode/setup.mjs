/** What the set-up steps share: an error that the user can mend, and a lock that serialises them. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Everything that is fetched for tests or left by them; git ignores it. */
export const testHome = join(root, '.vscode-test');

/** A failure whose message says what to do; a stack trace would only hide it. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** A lock whose owner did not even manage to write its name is given up after this long. */
const namelessMs = 10_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function ownerOf(lock) {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8'));
  } catch {
    return undefined;
  }
}

function isAbandoned(lock) {
  const owner = ownerOf(lock);
  if (owner !== undefined) {
    return !isAlive(owner);
  }
  try {
    return Date.now() - statSync(lock).mtimeMs > namelessMs;
  } catch {
    return false; // released in the meantime
  }
}

/**
 * Runs `action` while holding the lock directory `lock`; a second caller, in this process or another, waits. A lock left by
 * a process that has died is taken over.
 */
export async function withLock(lock, action, { waitMs = 600_000, onWait = () => {} } = {}) {
  mkdirSync(dirname(lock), { recursive: true });
  const end = Date.now() + waitMs;
  let announced = false;
  for (;;) {
    try {
      mkdirSync(lock); // the one step that only one caller can win
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw error;
      }
    }
    if (isAbandoned(lock)) {
      // Renaming first makes sure that of several who noticed, one removes it, and none the lock of a new owner.
      const aside = `${lock}.${process.pid}`;
      const seen = ownerOf(lock);
      try {
        renameSync(lock, aside);
      } catch {
        continue;
      }
      if (ownerOf(aside) !== seen && !existsSync(lock)) {
        renameSync(aside, lock);
      }
      rmSync(aside, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > end) {
      throw new SetupError(
        `Another process (${ownerOf(lock)}) has held ${lock} for too long. Remove that folder.`,
      );
    }
    if (!announced) {
      announced = true;
      onWait(ownerOf(lock));
    }
    await sleep(200);
  }
  try {
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return await action();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}
