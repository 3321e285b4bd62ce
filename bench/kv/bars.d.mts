import type { JudgedBar } from '../engine/bars.mjs';

export const visiblyWorse: number;
export const ablations: readonly string[];
export const bars: Readonly<Record<string, unknown>>;
export const prefixBars: Readonly<Record<string, unknown>>;
export function judge(
  measured: Readonly<Record<string, { readonly value: number | null; readonly note?: string }>>,
  owed?: Readonly<Record<string, unknown>>,
): JudgedBar[];
