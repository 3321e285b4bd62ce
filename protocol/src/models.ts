import { NotificationType, RequestType, RequestType0 } from 'vscode-jsonrpc';

/** What somebody may be told of a file by comparing it with the catalogue of known models. */
export type CatalogueMatch =
  /** Its SHA-256 is the known one. */
  | 'exact'
  /** Name, size or architecture are those of a known model; nothing proves that it is. */
  | 'claims'
  | 'unknown';

/** completion: suggests while somebody types. chat: talks. */
export type ModelRole = 'completion' | 'chat';

export type ModelKind =
  | 'embedded'
  /** Niwaki's own copy, in its storage. */
  | 'copy'
  /** The user's file, where it lies. */
  | 'reference';

export interface KnownModel {
  readonly match: CatalogueMatch;
  /** The catalogue's; '' = unknown, as the others then. */
  readonly id: string;
  readonly name: string;
  readonly licence: string;
  readonly notes: string;
}

/** The speed that a short test on this machine has shown, in tokens a second. */
export interface ModelSpeed {
  /** Reading a prompt. */
  readonly prefill: number;
  /** Writing. */
  readonly decode: number;
  readonly threads: number;
  readonly kernels: string;
  /** Milliseconds since 1970. */
  readonly measuredAt: number;
}

/** A model that can be chosen: one that was imported, or the one that ships with Niwaki. */
export interface ListedModel {
  /** 16 hexadecimal digits; '' = the embedded model. */
  readonly id: string;
  readonly kind: ModelKind;
  /** general.name of the file, or the file's name where it has none. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly parameters: number;
  readonly known: KnownModel;
  /** '' = the file is as it was imported; else a sentence: it is gone, or has changed. */
  readonly problem: string;
  readonly roles: readonly ModelRole[];
}

export interface ModelList {
  /** Where copies are kept, '' = the server was told of no folder, and nothing can be imported. */
  readonly folder: string;
  /** The embedded one first. */
  readonly models: readonly ListedModel[];
  /** What was found damaged and put aside, in sentences. */
  readonly notes: readonly string[];
}

/** client → server. */
export namespace ListModelsRequest {
  export const method = 'niwaki/listModels';
  export const type = new RequestType0<ModelList, void>(method);
}

/** client → server: whether a file can be imported, and what it is. Reads its header only. */
export namespace CheckModelRequest {
  export const method = 'niwaki/checkModel';
  export interface Params {
    readonly path: string;
  }
  export interface Result {
    /** Why it is refused and what to do; '' = it is not, and then the rest is known. */
    readonly problem: string;
    readonly name: string;
    readonly architecture: string;
    readonly bytes: number;
    readonly parameters: number;
    readonly contextLength: number;
    /** Never 'exact': the hash is not known yet. */
    readonly known: KnownModel;
    /** Where a copy would lie, and what is free there. */
    readonly freeBytes: number;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: copies or notes the file. Cancelled by cancelling the request; then, as after any failure, nothing is left of it. */
export namespace ImportModelRequest {
  export const method = 'niwaki/importModel';
  export interface Params {
    readonly path: string;
    readonly kind: 'copy' | 'reference';
    /** Names the import in ModelProgressNotification. */
    readonly job: string;
  }
  export interface Result {
    /** Why not, and what to do; '' when done or cancelled. */
    readonly problem: string;
    readonly cancelled: boolean;
    /** What was imported, null = nothing. */
    readonly model: ListedModel | null;
    /** The same contents had been imported before: this is that one. */
    readonly already: boolean;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** server → client: of imports and speed tests, at most ten a second. */
export namespace ModelProgressNotification {
  export const method = 'niwaki/modelProgress';
  export interface Params {
    readonly job: string;
    readonly phase: 'copying' | 'hashing' | 'finishing' | 'loading' | 'measuring';
    /** Bytes while copying and hashing, else a share of `total`. */
    readonly done: number;
    /** 0 = not known. */
    readonly total: number;
  }
  export const type = new NotificationType<Params>(method);
}

/** Bytes that a model takes with a context of so many tokens. */
export interface MemoryAtContext {
  readonly tokens: number;
  readonly codec: string;
  readonly weights: number;
  readonly kv: number;
  readonly scratch: number;
}

/** All that is known of a model without loading it. */
export interface ModelReport {
  readonly model: ListedModel;
  /** '' = the engine can run it; else the reason. */
  readonly refused: string;
  readonly architecture: string;
  /** Of the tensors, the largest share first. */
  readonly formats: readonly { readonly type: string; readonly tensors: number; readonly bytes: number }[];
  readonly contextLength: number;
  readonly layers: number;
  /** As the file states it; '' = it does not. */
  readonly licence: string;
  readonly chatTemplate: boolean;
  /** How it is asked for the text at a cursor, and how that is known: sentences. */
  readonly fillIn: string;
  /** At 8k and 32k tokens, as far as the model's own context goes. Empty where the file cannot be read. */
  readonly memory: readonly MemoryAtContext[];
  /** null = not measured yet. */
  readonly speed: ModelSpeed | null;
  /** '' = not known (of the embedded model it is computed). */
  readonly sha256: string;
  /** Milliseconds since 1970, 0 = it ships with Niwaki. */
  readonly importedAt: number;
}

/** client → server. null = there is no such model. */
export namespace InspectModelRequest {
  export const method = 'niwaki/inspectModel';
  export interface Params {
    readonly id: string;
  }
  export const type = new RequestType<Params, ModelReport | null, void>(method);
}

/** client → server: two seconds of reading and writing, at background priority. Cancelled by cancelling the request. */
export namespace MeasureModelRequest {
  export const method = 'niwaki/measureModel';
  export interface Params {
    readonly id: string;
    readonly job: string;
  }
  export interface Result {
    readonly problem: string;
    readonly cancelled: boolean;
    readonly speed: ModelSpeed | null;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: `id` '' = nobody. Of the roles only chat is the server's to keep: completion is the setting `modelPath`. */
export namespace SetChatModelRequest {
  export const method = 'niwaki/setChatModel';
  export interface Params {
    readonly id: string;
  }
  export interface Result {
    readonly problem: string;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/**
 * client → server: forgets a model with all that belongs to it (calibration, how it is asked, saved context), and deletes the file where
 * it is a copy.
 */
export namespace RemoveModelRequest {
  export const method = 'niwaki/removeModel';
  export interface Params {
    readonly id: string;
  }
  export interface Result {
    readonly problem: string;
    /** That are free now. */
    readonly bytes: number;
    /** It answered completions, or was to; the embedded model does now. */
    readonly wasInUse: boolean;
  }
  export const type = new RequestType<Params, Result, void>(method);
}
