export interface JudgedBar {
  readonly id: string;
  readonly value: number | null;
  readonly unit: string;
  readonly bar: number;
  /** The value may be at most the bar; otherwise it has to be at least that. */
  readonly atMost: boolean;
  readonly holds: boolean;
  readonly note?: string;
}
export const bars: Readonly<Record<string, unknown>>;
export function judge(
  measured: Readonly<Record<string, { readonly value: number | null; readonly note?: string }>>,
): JudgedBar[];
