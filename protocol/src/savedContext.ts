import { RequestType, RequestType0 } from 'vscode-jsonrpc';

/** What is saved on disk of what models have read. */
export interface SavedContext {
  /** Where, '' = the server was told of no folder. */
  readonly folder: string;
  /** The most that may be saved, 0 = nothing is. */
  readonly limitBytes: number;
  /** Of all workspaces. */
  readonly bytes: number;
  readonly files: number;
}

/** client → server. */
export namespace SavedContextRequest {
  export const method = 'niwaki/savedContext';
  export const type = new RequestType0<SavedContext, void>(method);
}

/** client → server: delete what is saved. What is in memory stays, and may be saved again while its document is open. */
export namespace PurgeSavedContextRequest {
  export const method = 'niwaki/purgeSavedContext';
  export interface Params {
    /** URIs of workspace folders; '' stands for documents that are in none. null = everything. */
    readonly workspaces: readonly string[] | null;
  }
  export interface Result {
    /** That are free now. */
    readonly bytes: number;
    /** Why something is still there; '' = nothing is. */
    readonly problem: string;
  }
  export const type = new RequestType<Params, Result, void>(method);
}
