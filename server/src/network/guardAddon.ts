/** The addon that shuts this process off from the network (native/addon/guard.cc). Loaded before all else, and by nobody else. */
import type { OpenSocket } from '#protocol';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { searchFolders } from '../util/searchFolders';

/** Raised whenever GuardBinding changes in a way that an older addon does not meet. */
const guardVersion = 1;

export interface GuardOutcome {
  readonly state: 'installed' | 'unsupported' | 'failed';
  /** '' = installed. */
  readonly reason: string;
}

/** None of these throws. */
export interface GuardBinding {
  readonly guardVersion: number;
  /**
   * Where Node keeps an io_uring this process starts its program once more without one, and the call does not return. To be called
   * before anything has been read from a channel: what was read would be lost.
   */
  leaveRingsBehind(): GuardOutcome;
  /** On all threads, for ever, and for all children. */
  install(): GuardOutcome;
  /** Null = this system does not show them. */
  openSockets(): OpenSocket[] | null;
}

/** A stand-in where the addon cannot be loaded: nothing is installed, and the reason is said. */
function absent(reason: string): GuardBinding {
  const failed = (): GuardOutcome => ({ state: 'failed', reason });
  return { guardVersion, leaveRingsBehind: failed, install: failed, openSockets: () => null };
}

export function loadGuard(start: string = __dirname): GuardBinding {
  const machine = `${process.platform}-${process.arch}`;
  const path = searchFolders(start)
    .flatMap((folder) => [join(folder, 'native', machine), join(folder, 'dist', 'native', machine)])
    .map((folder) => join(folder, 'guard.node'))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) {
    return absent(`native/${machine}/guard.node is missing; install the build of Niwaki for this platform`);
  }
  try {
    const binding = createRequire(path)(path) as GuardBinding;
    return binding.guardVersion === guardVersion
      ? binding
      : absent(`${path} is of another build of Niwaki; reinstall it`);
  } catch (error) {
    return absent(
      `${path} cannot be loaded on this system: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
