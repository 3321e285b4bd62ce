import { RequestType, RequestType0 } from 'vscode-jsonrpc';
import type { CompletionStrategy, KvCodec } from './configuration';

/** How sessions store what they have read. */
export interface KvDetails {
  /** The codec in use. */
  readonly codec: KvCodec;
  /** How many of the model's layers keep 8 bits a value under it. */
  readonly carefulLayers: number;
  /** Tokens that a completion session may hold here: the model's context, bounded by the memory and the settings. */
  readonly context: number;
  /** Bytes that a session with that many tokens holds. */
  readonly bytes: number;
  /** Bytes that all sessions together may hold. */
  readonly budget: number;
  /** Codec, context and memory in words. */
  readonly summary: string;
  /** Where what is known of the model's keys comes from, in words. */
  readonly calibration: string;
  /** Why something is not as the settings ask, '' = it is. */
  readonly note: string;
}

/** What is loaded, for people who want to know. */
export interface ModelDetails {
  readonly path: string;
  readonly name: string;
  readonly architecture: string;
  readonly embedded: boolean;
  readonly kernels: string;
  readonly threads: number;
  readonly fileBytes: number;
  readonly parameters: number;
  readonly weightBytes: number;
  readonly contextLength: number;
  readonly kv: KvDetails;
  readonly vocabSize: number;
  readonly layers: number;
  readonly license: string;
  /** How prompts with text behind the cursor are written for this model, e.g. 'suffix-first contiguous'. */
  readonly fimForm: string;
  readonly strategy: CompletionStrategy;
  /** Why it is asked in this way: a sentence or two. */
  readonly strategyReason: string;
  readonly kernelTables: readonly {
    readonly name: string;
    readonly needs: string;
    readonly supported: boolean;
    readonly allowed: boolean;
  }[];
}

/** client → server. null when no model is loaded. */
export namespace ModelInfoRequest {
  export const method = 'niwaki/modelInfo';
  export const type = new RequestType0<ModelDetails | null, void>(method);
}

/** client → server: load this model file now ('' = the embedded model). On failure the loaded model stays. */
export namespace LoadModelRequest {
  export const method = 'niwaki/loadModel';
  export interface Params {
    readonly path: string;
  }
  export interface Result {
    readonly ok: boolean;
    /** Why not, and what to do; '' when ok. */
    readonly problem: string;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: end the engine's jobs, unload and load the same model again. */
export namespace RestartEngineRequest {
  export const method = 'niwaki/restartEngine';
  export const type = new RequestType0<LoadModelRequest.Result, void>(method);
}
