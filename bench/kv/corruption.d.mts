import type { JudgedBar } from '../engine/bars.mjs';

export const wanted: { readonly corruptions: number; readonly kills: number };
export function corruptionBar(counts: Readonly<Record<string, number>>): JudgedBar;
export function measureCorruption(
  program: string,
  options?: Readonly<Record<string, string | number>>,
): Promise<JudgedBar>;
