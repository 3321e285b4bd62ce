/**
 * The engine as the rest of the server sees it. Everything is asynchronous and every argument and result is plain serialisable
 * data, so that the engine can live in this process, in a host process shared by windows, or in a script for tests.
 * Handles are numbers that the port gives out; unknown handles reject with code `invalid_argument`.
 */

import type { Constraint } from './constraint';
import type { ModelJobs } from './jobsPort';
import type {
  CalibrateKvRequest,
  KvCalibration,
  KvCalibrationSource,
  KvCalibrationState,
  KvCodec,
  KvCounters,
  KvQuality,
  KvShape,
  MeasureKvRequest,
  SessionOptions,
} from './kvPort';

export * from './constraint';
export * from './jobsPort';
export * from './kvPort';

export type ModelHandle = number;
export type SessionHandle = number;
export type JobId = number;
export type TokenId = number;

/** Codes of niwaki::StatusCode (native/include/niwaki/status.h). */
export type EngineErrorCode =
  | 'invalid_argument'
  | 'not_found'
  | 'bad_file'
  | 'unsupported'
  | 'out_of_memory'
  | 'context_overflow'
  | 'cancelled'
  | 'internal';

/** What every method rejects with. `message` says what is wrong and what to do next; it may be shown to the user. */
export class EngineError extends Error {
  constructor(
    readonly code: EngineErrorCode,
    message: string,
    /** Of `generate`: prompt tokens that had been computed by then. They stay cached. */
    readonly evaluated = 0,
  ) {
    super(message);
    this.name = 'EngineError';
  }
}

export interface LoadOptions {
  readonly path: string;
  /** Workers that compute; 0 or absent = as many as suit the machine. */
  readonly threads?: number;
  /** Name of a kernel table; absent = the best. */
  readonly kernels?: string;
}

export interface ModelInfo {
  readonly path: string;
  readonly name: string;
  readonly architecture: string;
  readonly kernels: string;
  readonly threads: number;
  readonly fileBytes: number;
  readonly parameters: number;
  readonly weightBytes: number;
  /** Activations and logits of one computation; `jobs` says what is held for all of them. */
  readonly scratchBytes: number;
  /** Tokens, from the file's header. */
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly layers: number;
  readonly embeddingLength: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** In half precision; `kvBytesFor` says it for a codec. */
  readonly kvBytesPerToken: number;
  readonly tiedHead: boolean;
  /** 32 hexadecimal digits that name the model's contents. */
  readonly fingerprint: string;
  /** Both as it was loaded; `useKvCalibration` says what they are from then on. */
  readonly kvCalibration: KvCalibrationSource;
  readonly kvCarefulLayers: number;
  readonly eos: TokenId;
  readonly bos: TokenId;
  /** GGUF metadata: scalars and strings as text, long arrays abbreviated. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly kv: number;
  /** Of one computation: as much again for each one that is paused beside it. */
  readonly scratch: number;
  readonly mapped: number;
}

export interface TensorSummary {
  readonly name: string;
  readonly type: string;
  /** Inner dimension first, as in the file. */
  readonly shape: readonly number[];
  readonly bytes: number;
}

export interface FileSummary {
  readonly version: number;
  readonly fileBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly TensorSummary[];
  /** Why the engine would refuse the file; '' when it would not. */
  readonly problem: string;
  /** As ModelInfo has it; '' when there is a problem. */
  readonly fingerprint: string;
}

export interface KernelTableInfo {
  readonly name: string;
  readonly needs: string;
  readonly supported: boolean;
  readonly allowed: boolean;
}

export interface SamplingOptions {
  /** 0 or absent = greedy. */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly seed?: number;
  readonly banned?: readonly TokenId[];
  /** Added to the logits of single tokens before everything else. */
  readonly logitBias?: readonly { readonly id: TokenId; readonly bias: number }[];
  /** 1 or absent = off. Divides positive logits of tokens seen lately, multiplies negative ones. */
  readonly repetitionPenalty?: number;
  /** Subtracted for every time that a token was seen lately. */
  readonly frequencyPenalty?: number;
  /** Subtracted once when a token was seen lately. */
  readonly presencePenalty?: number;
  /** Tokens before the next one that count as lately, prompt included; 64 when absent, 0 = all. */
  readonly penaltyWindow?: number;
  /** A bitset: bit id % 32 of word floor(id / 32) set = the token may be sampled. Absent = all may. */
  readonly allowed?: readonly number[];
  /** Each token event tells its token's log probability. That costs: without it, only what a mask leaves is computed. */
  readonly logprobs?: boolean;
  /** How many of the likeliest tokens each token event lists; implies `logprobs`. */
  readonly topLogprobs?: number;
}

/**
 * Prompt lookup (speculative decoding without a second model): what followed the last tokens where they occurred before is verified
 * in one batch. Faster where the answer copies from the prompt; the tokens are the same as without, sampled ones too.
 */
export interface LookupOptions {
  /** Tokens drafted at once at the most, 1 to 15; 15 when absent. The engine drafts fewer where they are seldom right. */
  readonly maxDraft?: number;
  /** Tokens that must agree before a draft; 2 when absent. */
  readonly minNgram?: number;
  /** How the text is expected to go on, known from elsewhere: drafted first, for as long as the model says it. Absent = nothing is. */
  readonly expected?: readonly TokenId[];
}

export interface GenerateRequest {
  readonly session: SessionHandle;
  /** Chosen by the caller, unique among jobs in flight; `cancel` takes it. */
  readonly job: JobId;
  readonly priority: Priority;
  /** The whole prompt. */
  readonly tokens: readonly TokenId[];
  /** 0 = only evaluate the prompt. */
  readonly maxTokens: number;
  readonly sampling?: SamplingOptions;
  readonly stopTokens?: readonly TokenId[];
  readonly stopStrings?: readonly string[];
  /** Token healing: the generated text must begin with this (its UTF-8 bytes). */
  readonly requiredPrefix?: string;
  /** Workers that may compute; 0 or absent = all of the model's. The results are the same. */
  readonly threads?: number;
  /** Absent = off. */
  readonly lookup?: LookupOptions;
  /**
   * After an edit in the middle, what follows it may be kept and moved, although it was computed with the old text before it: quick
   * and nearly right. Absent = no; what was moved before is then computed anew.
   */
  readonly shift?: boolean;
  /**
   * Teacher forcing, to learn how likely a text is: the first tokens said are these, whatever the sampler chooses. Log
   * probabilities are the model's all the same. They are computed up to 16 in a pass.
   */
  readonly forced?: readonly TokenId[];
  /**
   * What the answer must look like. Absent = it may be anything. Not together with `forced`. Stop tokens, and those that end a text,
   * come only where the answer is complete; where nothing can follow, it ends by itself as with the model's own end. Stop strings are
   * looked for all the same, and may cut it short.
   */
  readonly constraint?: Constraint;
}

/** Lower runs first, and pauses what runs. Equals share. */
export const Priority = { keystroke: 0, chat: 1, agent: 2, background: 3 } as const;
export type Priority = (typeof Priority)[keyof typeof Priority];

export type StopReason =
  'end_of_text' | 'stop_token' | 'stop_string' | 'max_tokens' | 'context_full' | 'callback' | 'cancelled';

export type GenerateEvent =
  | { readonly kind: 'prefill'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'token';
      readonly id: TokenId;
      readonly text: string;
      /**
       * Natural logarithm, of the model's own distribution: before bias, penalties and temperature. There when the request has
       * `logprobs` or `topLogprobs`.
       */
      readonly logprob?: number;
      /** Best first; there when the request has `topLogprobs`. */
      readonly top?: readonly { readonly id: TokenId; readonly logprob: number }[];
    };

export interface GenerateResult {
  readonly tokens: readonly TokenId[];
  readonly text: string;
  readonly reason: StopReason;
  /** Prompt tokens whose KV was already there. */
  readonly reused: number;
  /** Prompt tokens computed now. */
  readonly evaluated: number;
  /** Of the reused ones: taken over from other sessions. */
  readonly shared: number;
  /** Of the reused ones: moved behind an edit, approximate. */
  readonly shifted: number;
  /** Both without the time for which it was paused. */
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** From submission until the engine took the job. */
  readonly queueMs: number;
  /** For which others computed, after that. */
  readonly pausedMs: number;
  /** Passes through the model while decoding: one a token, fewer with `lookup`. */
  readonly batches: number;
  /** Tokens that `lookup` proposed, and those of them that were said. */
  readonly drafted: number;
  readonly accepted: number;
  /** With a `constraint`: tokens that were said because nothing else could be, and for how long masks were waited for. */
  readonly guided?: { readonly forced: number; readonly waitMs: number };
}

export interface SpecialToken {
  readonly id: TokenId;
  readonly text: string;
  /** Found without `parseSpecial` too; false = a control token. */
  readonly inAllText: boolean;
}

/** Slots of `tokenizeEdited`, from 0. */
export const editSlots = 32;

export interface EnginePort {
  kernelTables(): Promise<readonly KernelTableInfo[]>;
  inspect(path: string): Promise<FileSummary>;
  /** `context` 0 = the model's own. `codec` absent = half precision. Rejects as `unsupported` where the codec does not fit. */
  estimate(options: LoadOptions, context: number, codec?: KvCodec): Promise<MemoryEstimate>;

  load(options: LoadOptions): Promise<{ readonly model: ModelHandle; readonly info: ModelInfo }>;
  /** Ends the model's jobs (they reject as cancelled), its sessions and frees its memory. */
  unload(model: ModelHandle): Promise<void>;

  /** `parseSpecial`: control tokens written out in the text become ids. Only for text that we wrote ourselves. */
  tokenize(model: ModelHandle, text: string, parseSpecial: boolean): Promise<readonly TokenId[]>;
  /**
   * The same as `tokenize(model, text, false)`, at once when the text is nearly what was last given for this slot: what an edit
   * cannot have touched is not encoded again. `slot` is one of `editSlots`.
   */
  tokenizeEdited(model: ModelHandle, slot: number, text: string): Promise<readonly TokenId[]>;
  /** Control tokens come out as their literal text. Bytes that are no UTF-8 come out as U+FFFD. */
  detokenize(model: ModelHandle, tokens: readonly TokenId[]): Promise<string>;
  /** The id of the token with exactly this text, or -1. */
  findToken(model: ModelHandle, text: string): Promise<TokenId>;
  /** All tokens that are looked for in texts as a whole, before anything is merged. Ascending ids, every text once. */
  specialTokens(model: ModelHandle): Promise<readonly SpecialToken[]>;

  /** What the KV caches of the model's sessions hold now, with what closed sessions have left behind. */
  kvBytes(model: ModelHandle): Promise<number>;
  /**
   * What they may hold. What was used longest ago goes first; sessions compute what they miss when they are next used. 0, as after
   * loading: no limit, and nothing outlives its session.
   */
  setKvBudget(model: ModelHandle, bytes: number): Promise<void>;
  kvCounters(model: ModelHandle): Promise<KvCounters>;

  /** What the model's jobs are doing now. */
  jobs(model: ModelHandle): Promise<ModelJobs>;

  /**
   * `context` tokens at the most (0 = the model's own), whose keys and values are stored as `codec` says; absent = in half
   * precision. Sessions of one codec share what is finished of a common beginning.
   */
  openSession(
    model: ModelHandle,
    context: number,
    codec?: KvCodec,
    options?: SessionOptions,
  ): Promise<SessionHandle>;
  closeSession(session: SessionHandle): Promise<void>;
  /** Another session with the same timeline, for a branch. What both have in common is in memory once. */
  forkSession(session: SessionHandle): Promise<SessionHandle>;
  /** Forgets the timeline from `tokens` on. `generate` does that by itself where the prompt differs. */
  rollbackSession(session: SessionHandle, tokens: number): Promise<void>;
  /**
   * Keeps whole pages of the timeline's first `tokens` in memory, whatever else needs room, until the session pins something else
   * or is closed. Rejects with `out_of_memory` when all pins together would take more than half of the budget.
   */
  pinSession(session: SessionHandle, tokens: number): Promise<void>;
  /**
   * Writes the first whole page of the timeline, from number `from` on, that is exact and not yet on disk where the session was
   * opened to save, and resolves with its number; undefined = there is none. The engine is free while the disk is waited for.
   * Rejects with `out_of_memory` when the disk or the budget is full, with `bad_file` when the folder cannot be written.
   */
  saveNextPage(session: SessionHandle, from: number): Promise<number | undefined>;
  /**
   * Sync + decode. Rejects with `cancelled` when cancelled before the first token; later a cancel resolves with what there is. A job
   * whose session another one uses does not run beside it: it waits, or, when it is more urgent and the other one is in its prompt,
   * interrupts it (which loses the chunk of up to 64 tokens in hand, and begins again behind it). With a `constraint` it rejects
   * before anything is evaluated where the grammar cannot be followed (`unsupported`), or not within `maxTokens`
   * (`invalid_argument`).
   */
  generate(request: GenerateRequest, onEvent: (event: GenerateEvent) => void): Promise<GenerateResult>;
  /** Of generate, calibrateKv and measureKv. Unknown or finished jobs are ignored. */
  cancel(job: JobId): void;

  /** Whether the codec can store a cache of this shape; 'f16' always can. */
  kvFits(shape: KvShape, codec: KvCodec): Promise<boolean>;
  /** Bytes that a session's cache holds when it holds `tokens` tokens. `careful`: layers that keep 8 bits; absent = none. */
  kvBytesFor(shape: KvShape, codec: KvCodec, tokens: number, careful?: number): Promise<number>;
  /** The most tokens, a whole number of pages, whose cache fits into `bytes`; 0 when not even one page does. */
  kvTokensWithin(shape: KvShape, codec: KvCodec, bytes: number, careful?: number): Promise<number>;
  /**
   * Has the model read the tokens and takes its keys' statistics. Uses nothing of it yet. `onProgress` gets 0 to 1.
   */
  calibrateKv(request: CalibrateKvRequest, onProgress: (share: number) => void): Promise<KvCalibration>;
  /**
   * Sessions opened from now on go by it. Resolves with what that means for them. Rejects with `bad_file` when the bytes are
   * damaged or belong to another model.
   */
  useKvCalibration(model: ModelHandle, bytes: Uint8Array): Promise<KvCalibrationState>;
  /** Compares a codec with half precision over the tokens. */
  measureKv(request: MeasureKvRequest, onProgress: (share: number) => void): Promise<KvQuality>;

  /** Cancels everything, joins the engine's threads, frees all memory. The port is dead afterwards. */
  dispose(): Promise<void>;
}
