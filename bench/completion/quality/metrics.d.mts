export interface Row {
  readonly said: string;
  readonly exact: boolean;
  readonly confirmed: boolean;
  readonly similarity: number;
  readonly confidence: number;
}
export interface Summary {
  readonly cuts: number;
  readonly right: number;
  readonly exact: number;
  readonly interval: readonly [number, number];
  readonly similarity: number;
  readonly shown: number;
  readonly coverage: number;
  readonly confirmed: number;
  readonly precision: number | null;
  readonly confirmedAt: Readonly<Record<string, number>>;
  readonly exactAt: Readonly<Record<string, number>>;
}
export function firstLine(text: string): string;
export function exact(said: string, expected: string): boolean;
export function confirmed(said: string, follows: string): boolean;
export function similarity(a: string, b: string): number;
export function interval(hits: number, count: number): [number, number];
export function precisionAt(rows: readonly Row[], coverage: number, good: (row: Row) => boolean): number;
export function summarise(rows: readonly Row[]): Summary;
export function ratioInterval(
  ours: readonly Pick<Row, 'exact'>[],
  theirs: readonly Pick<Row, 'exact'>[],
  draws?: number,
): [number, number];
