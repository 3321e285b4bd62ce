import { NotificationType, RequestType0 } from 'vscode-jsonrpc';

/** What the engine is doing. */
export type EngineState =
  /** Nothing is loaded yet. */
  | 'starting'
  | 'loading'
  /** Completions come at once. */
  | 'ready'
  /** A job is running. */
  | 'busy'
  /** There is no usable model; `problem` says why and what to do. */
  | 'failed';

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
  /** Decoded tokens a second in the last completion that decoded any, 0 before. */
  readonly tokensPerSecond: number;
  /** A sentence for the user when something is wrong, else ''. */
  readonly problem: string;
  readonly counters: CompletionCounters;
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
