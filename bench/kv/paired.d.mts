export function signTest(a: number, b: number): number;
export function pairedLoss(counts: { both: number; onlyFirst: number; onlySecond: number }): {
  loss: number | null;
  low: number | null;
  high: number | null;
  p: number;
};
