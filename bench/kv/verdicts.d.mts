export interface QualityRow {
  readonly model: string;
  readonly id: string;
  readonly what: string;
  readonly bits: number;
  readonly kl: number;
  readonly top1: number;
  readonly top1Clear: number;
  readonly clear: number;
  readonly clearMissed: number;
  /** Where the two best probabilities differ by 0.1. */
  readonly top1Sure: number;
  /** The largest lead, in logits, of a best token that was not taken for the best. */
  readonly overturned: number;
}
export function judgeQuality(
  rows: readonly QualityRow[],
): Readonly<Record<string, { readonly value: number; readonly note: string }>>;
