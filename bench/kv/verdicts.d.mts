export interface QualityRow {
  readonly model: string;
  readonly id: string;
  readonly kl: number;
  readonly top1: number;
  readonly top1Clear: number;
  readonly clear: number;
  readonly clearMissed: number;
}
export function judgeQuality(
  rows: readonly QualityRow[],
): Readonly<Record<string, { readonly value: number; readonly note: string }>>;
