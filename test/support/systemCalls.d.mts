/** Types of systemCalls.mjs. */
export interface SystemCall {
  readonly pid: number;
  readonly name: string;
  readonly text: string;
  readonly result: string;
}
export function straceCommand(file: string): string[];
export function straceProblem(): string;
export function readTrace(trace: string): SystemCall[];
export function faultsOf(calls: readonly SystemCall[]): string[];
