/** The part of the port that is about the KV cache: how keys and values are stored, and how well that does (native/include/niwaki/kv.h). */
import type { JobId, ModelHandle, Priority, TokenId } from './port';

/**
 * The largest first: 16 bits a value; 8; 4, the default of the product; 4 for keys and 3 for values; 3. All but the first are
 * rotated and looked up in codebooks.
 */
export const kvCodecs = ['f16', 'kv8', 'kv4', 'kv43', 'kv3'] as const;
export type KvCodec = (typeof kvCodecs)[number];

/** Whose tokens a session computes, for the counters. */
export type KvUser = 'completion' | 'chat' | 'agent' | 'other';

/** How a session is opened. */
export interface SessionOptions {
  /** Absent = 'other'. */
  readonly user?: KvUser;
  /** Where the session looks for pages on disk, and saves them; absent = nowhere. */
  readonly saved?: SavedPagesPlace;
}

export interface SavedPagesPlace {
  /** The folder of all saved pages. */
  readonly root: string;
  /** A folder in it, 32 hexadecimal digits: pages are found again under the same one. */
  readonly folder: string;
  /** What all folders of the root may take; 0 = nothing is saved. */
  readonly bytes: number;
}

/** Prompt tokens since the model was loaded. What a prompt has is reused, shared, restored or shifted, and the rest computed. */
export interface KvTokenCounts {
  /** The session itself had them. */
  readonly reused: number;
  /** Another session had computed them. */
  readonly shared: number;
  /** They were on disk. */
  readonly restored: number;
  /** The session had them behind an edit and moved them: approximate. */
  readonly shifted: number;
  readonly computed: number;
  /** Their memory was needed for others. */
  readonly evicted: number;
}
export type KvCounters = Readonly<Record<KvUser, KvTokenCounts>>;

/** What a model's sessions know of its keys: what a text has shown, or what its norm weights give away. */
export type KvCalibrationSource = 'text' | 'norms';

/** What sessions opened from now on go by. */
export interface KvCalibrationState {
  readonly source: KvCalibrationSource;
  /** How many layers keep 8 bits a value under a codec of fewer. */
  readonly carefulLayers: number;
}

/** What of a model decides how large its cache is. A ModelInfo is one. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** A long job on a model. */
interface LongRequest {
  readonly model: ModelHandle;
  /** Chosen by the caller, unique among jobs in flight; `cancel` takes it. */
  readonly job: JobId;
  readonly tokens: readonly TokenId[];
  /** Absent = background. */
  readonly priority?: Priority;
  /** Workers that may compute; 0 or absent = all of the model's. */
  readonly threads?: number;
}

export interface CalibrateKvRequest extends LongRequest {
  /**
   * Also find the careful layers: those in which kv4 does most of its damage, which then keep 8 bits a value. Absent = no: it
   * takes as long as comparing codecs once for every layer.
   */
  readonly careful?: boolean;
}

export interface MeasureKvRequest extends LongRequest {
  readonly codec: KvCodec;
  /** Tokens evaluated at once: 1 as when decoding; absent = 16. */
  readonly step?: number;
}

/** What a layer's keys look like. */
export interface KvLayerStatistics {
  /** Share of the keys' energy that is their mean. */
  readonly meanRatio: number;
  /** The loudest channel's root mean square over the median channel's, mean removed. */
  readonly channelRatio: number;
  /** The same with the calibration's scales. */
  readonly scaledRatio: number;
}

export interface KvCalibration {
  /** For a file and for `useKvCalibration`; the model's fingerprint is in it. */
  readonly bytes: Uint8Array;
  /** One entry a layer. */
  readonly layers: readonly KvLayerStatistics[];
  /** Numbers of the careful layers, from 0; none where they were not asked for. */
  readonly careful: readonly number[];
}

/** How far a codec's predictions are from those of half precision, over one text, each token given. */
export interface KvQuality {
  readonly codec: string;
  /** That were compared: those whose attention reads codes. */
  readonly positions: number;
  /** Nats of the next token's distribution, half precision to codec: mean, 99.9th percentile, most. */
  readonly meanKl: number;
  readonly p999Kl: number;
  readonly maxKl: number;
  /** Share of positions with the same likeliest token. */
  readonly top1: number;
  /** The same where the two best logits of half precision differ by 0.1 or more, and how many those are. */
  readonly top1Clear: number;
  readonly clearPositions: number;
  /** Of the text. */
  readonly perplexityF16: number;
  readonly perplexity: number;
  /** That the two caches held at the end. */
  readonly bytes: number;
  readonly bytesF16: number;
}
