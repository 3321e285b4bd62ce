import type { Row } from './metrics.mjs';

export interface Verdict {
  readonly value: number | null;
  readonly note: string;
}
export const peerForms: readonly string[];
export function peerName(form: string): string;
export const leastCoverage: number;
export function judgeRatio(rows: Readonly<Record<string, readonly Row[]>>): Verdict;
export function judgeModel(rows: Readonly<Record<string, readonly Row[]>>): Verdict;
export function judgePrecision(rows: readonly Row[], gate: number): Verdict;
