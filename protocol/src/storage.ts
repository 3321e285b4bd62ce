import { RequestType, RequestType0 } from 'vscode-jsonrpc';

/**
 * What the server keeps in its folder. `models`: copies of model files. `other`: what else lies there, so that a report leaves nothing
 * out; nobody deletes that. `commandLine`: what `niwaki` keeps in a terminal, in a folder of its own.
 */
export type StoredKind =
  'savedContext' | 'calibration' | 'strategy' | 'models' | 'conversations' | 'other' | 'commandLine';

export interface StoredFiles {
  readonly kind: StoredKind;
  /** Where they lie, whether or not there are any. */
  readonly folder: string;
  readonly bytes: number;
  readonly files: number;
}

/** client → server: what is kept on disk, a kind each. Empty when the server was told of no folder. */
export namespace StorageRequest {
  export const method = 'niwaki/storage';
  export const type = new RequestType0<readonly StoredFiles[], void>(method);
}

/**
 * client → server: delete what is kept of a kind. Calibrations and strategies are made anew when their model is next used; conversations,
 * of all workspaces, are gone. Saved context has a request of its own, and so have models.
 */
export namespace PurgeStorageRequest {
  export const method = 'niwaki/purgeStorage';
  export interface Params {
    readonly kind: 'calibration' | 'strategy' | 'conversations';
  }
  export interface Result {
    /** That are free now. */
    readonly bytes: number;
    /** Why something is still there; '' = nothing is. */
    readonly problem: string;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** A file that runs or is read as a model, and what it is, bit by bit. */
export interface HashedFile {
  /** Relative to the extension's folder with "/", or absolute where it lies elsewhere. */
  readonly path: string;
  readonly bytes: number;
  /** Of its contents now, in hexadecimal; '' = it cannot be read. */
  readonly sha256: string;
}

/** client → server: the programs of the extension, and the model files that ship with it or are in use. Takes a second for each GiB. */
export namespace BinariesRequest {
  export const method = 'niwaki/binaries';
  export interface Result {
    readonly files: readonly HashedFile[];
    /** Of the server's process: Node, N-API, the system and its processor. */
    readonly runtime: {
      readonly node: string;
      readonly platform: string;
      readonly arch: string;
      readonly release: string;
    };
  }
  export const type = new RequestType0<Result, void>(method);
}
