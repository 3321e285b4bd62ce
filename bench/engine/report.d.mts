import type { JudgedBar } from './bars.mjs';

export class Report {
  bar(id: string, value: number | null, note?: string): void;
  bars(): JudgedBar[];
}
export interface PartContext {
  readonly engines: { closeAll(): Promise<void> };
  readonly log: (text: string) => void;
}
export interface Part {
  readonly name: string;
  /** The bars that it owes. */
  readonly bars: readonly string[];
  readonly run: (context: PartContext, report: Report) => Promise<void>;
}
export function runParts(parts: readonly Part[], context: PartContext, report: Report): Promise<void>;
