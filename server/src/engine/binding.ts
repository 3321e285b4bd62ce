/**
 * The typed contract of the addon (native/addon). Nothing but this folder touches the addon, and the addon exports nothing else.
 * All promises reject with an Error whose `code` is an EngineErrorCode; those of `generate` say in `evaluated` how many prompt tokens
 * had been computed by then. Numbers that count bytes stay below 2^53.
 */
import type { TokenBytes } from '../grammar/vocabulary';
import type {
  EngineErrorCode,
  FileSummary,
  JobId,
  KernelTableInfo,
  KvCalibration,
  KvCalibrationState,
  KvCodec,
  KvCounters,
  KvQuality,
  KvShape,
  LoadOptions,
  MemoryEstimate,
  ModelInfo,
  ModelJobs,
  SessionOptions,
  SpecialToken,
  StopReason,
} from './port';

/** Raised whenever this file changes in a way that an older addon does not meet. */
export const bindingVersion = 10;

export interface NativeBinding {
  readonly bindingVersion: number;
  kernelTables(): KernelTableInfo[];
  /** Throws with a reason. Runs for a second at most: call it in a child process (selfTest.ts), never in the server. */
  selfTest(kernels: string): void;
  inspect(path: string): Promise<FileSummary>;
  /** `codec` undefined = 'f16', here and below. */
  estimate(options: LoadOptions, context: number, codec?: KvCodec): Promise<MemoryEstimate>;
  /** Names of the codecs, the largest first. */
  readonly kvCodecs: readonly string[];
  kvFits(shape: KvShape, codec: KvCodec): boolean;
  /** `careful`: how many layers keep 8 bits. */
  kvBytes(shape: KvShape, codec: KvCodec, tokens: number, careful: number): number;
  kvTokensWithin(shape: KvShape, codec: KvCodec, bytes: number, careful: number): number;
  /** Loads on a thread of the model's own. */
  load(options: LoadOptions): Promise<NativeModel>;
  /** For the worker that serves the desk with this number (NativeModel.openGuideDesk). Throws when there is none. */
  guideDesk(number: number): NativeGuideDesk;
}

export interface NativeModel {
  readonly info: ModelInfo;
  /** On a worker thread of libuv's pool, so that long texts do not block the event loop. */
  tokenize(text: string, parseSpecial: boolean): Promise<Int32Array>;
  /** The same as tokenize(text, false); quick when `text` is nearly what the slot (0 to 31) had last. */
  tokenizeEdited(slot: number, text: string): Promise<Int32Array>;
  detokenize(tokens: Int32Array): string;
  findToken(text: string): number;
  /** Ascending ids. */
  specialTokens(): SpecialToken[];
  openSession(context: number, codec?: KvCodec, options?: SessionOptions): Promise<NativeSession>;
  /** What the KV caches of all sessions hold, and what closed ones have left behind. */
  kvBytes(): number;
  kvCounters(): KvCounters;
  /** Before all that waits. */
  setKvBudget(bytes: number): Promise<void>;
  jobs(): ModelJobs;
  /** Both are queued, and paused, like generate calls. */
  calibrateKv(request: NativeCalibrateRequest, onProgress: (share: number) => void): Promise<KvCalibration>;
  measureKv(request: NativeMeasureRequest, onProgress: (share: number) => void): Promise<KvQuality>;
  /**
   * Opens the desk where the model's decoding threads and the worker that guides them meet, and gives back its number. Throws when it
   * is open already. It closes when the model is disposed of and when the worker's thread ends.
   */
  openGuideDesk(): number;
  /** Whatever waits there fails with the reason. Nothing happens when it is closed already. */
  closeGuideDesk(why: string): void;
  /** The fewest tokens that the program can be satisfied with; rejects with what the worker says against it. */
  prepareGuide(program: string, tokens: number): Promise<number>;
  /** Before all that waits. */
  useKvCalibration(bytes: Uint8Array): Promise<KvCalibrationState>;
  /** Of calibrateKv and measureKv; the engine is idle within 20 ms. */
  cancel(job: JobId): void;
  /** Cancels all jobs, joins the engine's threads, frees the memory. Later calls reject with `invalid_argument`. */
  dispose(): Promise<void>;
}

export interface NativeSession {
  /**
   * One job of a model computes at a time: lower `priority` first, equals in turns (native/src/schedule/scheduler.h). Tokens come
   * through one thread-safe function; the promise settles after the last of them was delivered.
   */
  generate(
    request: NativeRequest,
    onToken: NativeTokenCallback,
    onPrefill: NativePrefillCallback,
  ): Promise<NativeResult>;
  /** Sets the job's cancel flag; it ends within 20 ms, also when it is paused. */
  cancel(job: JobId): void;
  /** These three come before all that waits, and after what the session is at work with. */
  fork(): Promise<NativeSession>;
  rollback(tokens: number): Promise<void>;
  pin(tokens: number): Promise<void>;
  /**
   * Writes the first page from number `from` on that is exact and not on disk, and resolves with its number; -1 = there is none.
   * Written on a thread of libuv's pool, from a copy.
   */
  saveNext(from: number): Promise<number>;
  /** Frees the KV cache once its running job has ended (it is cancelled). */
  dispose(): Promise<void>;
}

/** What a worker sees of a desk (native/src/guide/desk.h). It may wait: not for a thread with an event loop of importance. */
export interface NativeGuideDesk {
  /** Waits `most` milliseconds at the most, and not at all where nobody holds a guide or waits for a preparation ('idle'). */
  next(most: number): NativeGuideRequest;
  prepared(id: number, least: number): void;
  /** `masks`: as many bitsets, one after the other, as `ends` has entries (1 = the text may end there). */
  answer(id: number, forced: Int32Array, masks: Int32Array, ends: Uint8Array): void;
  fail(id: number, code: EngineErrorCode, message: string): void;
  /** Of the model. All of it, so once. */
  vocabulary(): TokenBytes;
  tokenize(text: string): Int32Array;
}

export type NativeGuideRequest = { readonly id: number } & (
  | { readonly kind: 'nothing' | 'idle' | 'closed' | 'end' }
  | { readonly kind: 'prepare'; readonly program: string; readonly tokens: number }
  | { readonly kind: 'open'; readonly program: string }
  | { readonly kind: 'begin'; readonly tokens: number }
  | { readonly kind: 'tell'; readonly said: Int32Array; readonly draft: Int32Array }
);

export interface NativeRequest {
  readonly job: JobId;
  readonly priority: number;
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
  readonly banned: Int32Array;
  /** Of equal length. */
  readonly biasTokens: Int32Array;
  readonly biasValues: Float32Array;
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly penaltyWindow: number;
  /** A bitset, 32 tokens a word, lowest first; empty = all tokens are allowed. */
  readonly allowed: Int32Array;
  readonly logprobs: boolean;
  readonly topLogprobs: number;
  /** Tokens that prompt lookup drafts at once at the most, 0 (off) to 15. */
  readonly lookupDraft: number;
  /** Tokens that must agree before a draft, 2 to 64. */
  readonly lookupNgram: number;
  /** How the text is expected to go on: what lookup drafts first. */
  readonly expected: Int32Array;
  readonly forced: Int32Array;
  readonly shift: boolean;
  readonly stopTokens: Int32Array;
  readonly stopStrings: readonly string[];
  readonly requiredPrefix: string;
  /** A program of the model's desk, which must be open; '' = nothing guides. */
  readonly guide: string;
  /** Workers that may compute, 0 = all of the model's. */
  readonly threads: number;
}

export interface NativeKvRequest {
  readonly job: JobId;
  readonly priority: number;
  readonly tokens: Int32Array;
  readonly threads: number;
}

export interface NativeCalibrateRequest extends NativeKvRequest {
  readonly careful: boolean;
}

export interface NativeMeasureRequest extends NativeKvRequest {
  readonly codec: KvCodec;
  readonly step: number;
}

export type NativeTokenCallback = (
  id: number,
  text: string,
  /** Only when the request has `logprobs` or `topLogprobs`. */
  logprob?: number,
  /** Only when the request has `topLogprobs`. */
  topIds?: Int32Array,
  topLogprobs?: Float32Array,
) => void;
export type NativePrefillCallback = (done: number, total: number) => void;

export interface NativeResult {
  readonly tokens: Int32Array;
  readonly text: string;
  readonly reason: StopReason;
  readonly reused: number;
  readonly evaluated: number;
  readonly shared: number;
  readonly shifted: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly queueMs: number;
  readonly pausedMs: number;
  readonly batches: number;
  readonly drafted: number;
  readonly accepted: number;
  /** Tokens that the guide forced, and milliseconds for which it was waited for. */
  readonly guided: number;
  readonly guideMs: number;
}
