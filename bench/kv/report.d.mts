import type { JudgedBar } from '../engine/bars.mjs';

export class Report {
  /** Owes the bars of bars.mjs when none are given. */
  constructor(owed?: Readonly<Record<string, unknown>>);
  readonly notes: readonly string[];
  bar(id: string, value: number | null, note?: string): void;
  bars(): JudgedBar[];
}
export interface PartContext {
  readonly log: (text: string) => void;
}
export interface Part {
  readonly name: string;
  /** The bars that it owes. */
  readonly bars: readonly string[];
  readonly run: (context: PartContext, report: Report) => Promise<void>;
}
export function chooseParts<P extends Pick<Part, 'name'>>(
  parts: readonly P[],
  only?: readonly string[],
  part?: string,
): readonly P[];
export function runParts(parts: readonly Part[], context: PartContext, report: Report): Promise<void>;
