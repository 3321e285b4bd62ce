type Row = ArrayLike<number> & Iterable<number>;

export function median(values: readonly number[]): number;
export function takeTurns(
  rounds: number,
  measurements: Readonly<Record<string, () => Promise<number>>>,
): Promise<Record<string, { median: number; all: number[] }>>;
export function composeLayers(one: number, three: number, layers: number): number | null;
export function logSoftmax(row: Row): Float64Array;
export function divergence(truth: Row, other: Row): number;
export function best(row: Row): { id: number; margin: number };
export function compareDistributions(
  rows: readonly { truth: Row; other: Row }[],
  margin?: number,
): { positions: number; divergence: number; top1: number; clear: number; clearTop1: number };
