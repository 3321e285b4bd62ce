import { NotificationType, RequestType0 } from 'vscode-jsonrpc';

/** What the engine is doing. */
export type EngineState =
  /** Nothing is loaded yet. */
  | 'starting'
  /** The model is not in memory: it is loaded when a document that may be completed is opened or typed in. */
  | 'asleep'
  | 'loading'
  /** Completions come at once. */
  | 'ready'
  /** A job is running. */
  | 'busy'
  /** There is no usable model; `problem` says why and what to do. */
  | 'failed';

/** Who wants something of the engine, the most urgent first. */
export type JobPriority = 'keystroke' | 'chat' | 'agent' | 'background';

/** How many jobs of a priority the engine has, by what they do. */
export interface JobCounts {
  readonly priority: JobPriority;
  /** At most one of all jobs runs. */
  readonly running: number;
  /** Put aside for something more urgent, or for an equal's turn; they go on where they were. */
  readonly paused: number;
  readonly waiting: number;
}

/** A snapshot of the server, small enough to send often. */
export interface ServerStatus {
  /** Of the server's process. */
  readonly pid: number;
  readonly state: EngineState;
  /** general.name of the loaded model, '' when none. */
  readonly model: string;
  /** Whether it is the model that ships inside the extension. */
  readonly embedded: boolean;
  /** Active kernel table, '' when none. */
  readonly kernels: string;
  readonly threads: number;
  /** Whether completions spare the machine: the setting says so, or the battery. */
  readonly quiet: boolean;
  readonly memory: MemoryUse;
  /** In the moment in which the status was made; without priorities that have no job. */
  readonly jobs: readonly JobCounts[];
  /** Decoded tokens a second in the last completion that decoded any, 0 before. */
  readonly tokensPerSecond: number;
  /** A sentence for the user when something is wrong, else ''. */
  readonly problem: string;
  readonly counters: CompletionCounters;
  /** What became of prompts' tokens since the model was loaded, by who asked. */
  readonly kvTokens: KvTokens;
}

/** Prompt tokens. What a prompt has is reused, shared, restored or shifted, and the rest computed. */
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
export type KvTokens = Readonly<Record<'completion' | 'chat' | 'agent' | 'other', KvTokenCounts>>;

/** Bytes. */
export interface MemoryUse {
  /** The model's weights, as they lie in memory. */
  readonly weights: number;
  /** KV caches of all sessions. */
  readonly kv: number;
  /** Activations and logits, those of paused jobs and a spare set included. */
  readonly scratch: number;
  /** The whole server process (resident set), all of the above and the program itself included. */
  readonly process: number;
}

/** Since the server started. */
export interface CompletionCounters {
  /** Requests for inline completion. */
  readonly requests: number;
  /** Requests that ran the engine. */
  readonly runs: number;
  /** Requests answered from an earlier suggestion that the user typed along, without a run. */
  readonly typedAlong: number;
  /** Requests that ended cancelled because a newer one came or the editor gave up. */
  readonly cancelled: number;
  /** Prompt tokens whose KV was already there. */
  readonly tokensReused: number;
  /** Prompt tokens that were computed. */
  readonly tokensEvaluated: number;
  /** Prompt tokens that were computed in advance, while nothing else was to be done. */
  readonly tokensWarmed: number;
  readonly tokensDecoded: number;
}

/** server → client, on every change, at most 10 a second. */
export namespace StatusNotification {
  export const method = 'niwaki/status';
  export const type = new NotificationType<ServerStatus>(method);
}

/** client → server: the same on demand. */
export namespace StatusRequest {
  export const method = 'niwaki/getStatus';
  export const type = new RequestType0<ServerStatus, void>(method);
}
