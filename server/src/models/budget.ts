/** How much memory KV caches may take. */
import { totalmem } from 'node:os';

const mebibyte = 2 ** 20;
/** Less is no cache to speak of, however little is free in this moment. */
const smallestBudget = 128 * mebibyte;

/** Bytes. */
export interface MachineMemory {
  /** The machine's, or what its container may have of it. */
  readonly total: number;
  readonly free: number;
}

/**
 * Bytes that a process can still have without the machine swapping. macOS counts its file cache as used, so only the size
 * of the machine is a bound there.
 */
export function availableMemory(): number {
  return process.platform === 'darwin' ? totalmem() : process.availableMemory();
}

export function machineMemory(): MachineMemory {
  const limit = process.constrainedMemory(); // 0 or a huge number where there is none
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return { total, free: Math.min(total, availableMemory()) };
}

/**
 * Bytes that the caches of all files together may hold: what the user grants, in MB (as far as the machine has it), or for 0 a
 * quarter of the machine and no more than half of what is free.
 */
export function kvBudget(grantedMB: number, { total, free }: MachineMemory = machineMemory()): number {
  if (grantedMB > 0) {
    return Math.min(grantedMB * mebibyte, total);
  }
  return Math.floor(Math.max(smallestBudget, Math.min(total / 4, free / 2)));
}

/** Full contexts of files that one goes back and forth between, as they are and as they were a while ago. */
const contextsWorthKeeping = 16;

/**
 * Bytes of the budget that caches really may fill. What closed files and older texts have left behind stays until its room is needed, and a
 * small model would take hours to need a quarter of the machine. What the user has granted is taken at its word.
 */
export function heldBudget(grantedMB: number, budget: number, contextBytes: number): number {
  return Math.floor(grantedMB > 0 ? budget : Math.min(budget, contextsWorthKeeping * contextBytes));
}
