import type { Report } from './report.mjs';

interface Bar {
  readonly bar: number;
  readonly unit: string;
  readonly most?: boolean;
  readonly holds: (value: number) => boolean;
}
export const preemptBars: Readonly<Record<'preempt' | 'preempt-total', Bar>>;
export function percentile(values: readonly number[], share: number): number;
export function preemptFigures(measured: {
  readonly idle: readonly number[];
  readonly waits: readonly number[];
  readonly alone: readonly number[];
  readonly prompts: readonly { readonly ms: number; readonly keystrokesMs: number }[];
}): {
  idle: number;
  idleSpread: number;
  p95: number;
  worst: number;
  median: number;
  tries: number;
  alone: number;
  growth: number;
  worstGrowth: number;
};
export function preempt(context: object, report: Report): Promise<void>;
