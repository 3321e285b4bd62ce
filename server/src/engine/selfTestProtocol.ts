/** What the self-test's child process is told and what it says, apart from both sides so that the child's bundle stays tiny. */
import type { EngineErrorCode, KernelTableInfo } from './port';

/** The child's only argument, as JSON. */
export interface SelfTestTask {
  readonly addonPath: string;
  /** The table to test; absent = the best one that is supported, allowed and not in `skip`. */
  readonly kernels?: string;
  /** Tables that have failed already. */
  readonly skip: readonly string[];
}

export type SelfTestMessage =
  /** The addon was loaded and the test of `kernels` begins. Said first, so that a crash can be laid at its door. */
  | { readonly kind: 'testing'; readonly kernels: string; readonly tables: readonly KernelTableInfo[] }
  | { readonly kind: 'passed' }
  /** The table computes wrongly, or it cannot be tested. */
  | { readonly kind: 'failed'; readonly message: string }
  /** No table is left to be tried. */
  | { readonly kind: 'exhausted'; readonly tables: readonly KernelTableInfo[] }
  /** The addon cannot be loaded at all. */
  | { readonly kind: 'unloadable'; readonly code: EngineErrorCode; readonly message: string };
