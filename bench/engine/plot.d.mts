import type { JudgedBar } from './bars.mjs';

export function plot(report: {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly peer: string;
  readonly bars: readonly JudgedBar[];
}): string;
