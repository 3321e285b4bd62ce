/** How much memory completion sessions may take. */
import { totalmem } from 'node:os';
import type { ModelInfo } from '../engine';

const gibibyte = 2 ** 30;

/** Bytes of KV cache that all completion sessions together may hold: a fifth of the machine, 4 GiB at the most. */
export function kvBudget(machineBytes: number = totalmem()): number {
  return Math.min(4 * gibibyte, machineBytes / 5);
}

/** Tokens that one session may hold: the model's context, the user's limit (0 = none), and what the budget has room for. */
export function sessionContext(info: ModelInfo, maxContextTokens: number, budget: number): number {
  const byMemory = Math.max(256, Math.floor(budget / Math.max(1, info.kvBytesPerToken)));
  // Less than 256 tokens are no context at all.
  const byUser = maxContextTokens > 0 ? Math.max(256, maxContextTokens) : Infinity;
  return Math.min(info.contextLength, byMemory, byUser);
}

/**
 * Bytes that a process can still have without the machine swapping. macOS counts its file cache as used, so only the size
 * of the machine is a bound there.
 */
export function availableMemory(): number {
  return process.platform === 'darwin' ? totalmem() : process.availableMemory();
}
