/** One way of decoding: an engine, how it stores keys and values, and its settings. */
export interface Setting {
  readonly id: string;
  readonly engine: 'ours' | 'llama.cpp';
  readonly store: string;
  /** Absent = what the product takes. */
  readonly threads?: number;
  readonly flashAttention?: boolean;
}
/** Milliseconds a token, by setting. */
export type Times = Readonly<Record<string, number | null>>;
export interface Verdict {
  readonly value: number | null;
  readonly note: string;
}
export function composeSettings(
  one: Readonly<Record<string, number>>,
  three: Readonly<Record<string, number>>,
  layers: number,
): Record<string, number | null>;
export function fastest(
  settings: readonly Setting[],
  times: Times,
  wanted: (setting: Setting) => boolean,
): { readonly setting: Setting; readonly ms: number } | undefined;
export function attentionALayer(shallow: number, deep: number, layers: number): number | null;
export function judgeDecode(
  settings: readonly Setting[],
  times: Times,
  how: string,
): Record<'q4_0' | 'f16', Verdict & { readonly peer: Setting | undefined }>;
export function judgeHalves(
  settings: readonly Setting[],
  shallow: Readonly<Record<string, number>>,
  deep: Readonly<Record<string, number>>,
  layers: number,
): Verdict & { readonly times: Times };
export function lesser<V extends Verdict>(byMedian: V, byQuickest: V): V;
export function storeOf(emptyBytes: number, bytes: number, tokens: number, values: number): string;
export interface Evaluation {
  readonly milliseconds: number;
  readonly processor: number;
  readonly prepare: number;
  readonly prepareProcessor: number;
  /** Of one call. */
  readonly storeNanoseconds: number;
  readonly stores: number;
}
export function encodeShares(measured: {
  readonly f16: readonly Evaluation[];
  readonly kv4: readonly Evaluation[];
  readonly threads: number;
}): Record<'share' | 'wall' | 'processor' | 'sealing' | 'rotating' | 'milliseconds' | 'longer', number>;
