import { RequestType } from 'vscode-jsonrpc';

/** From 0; characters are UTF-16 units. */
interface Position {
  readonly line: number;
  readonly character: number;
}

/**
 * server → client: where the names at these positions are defined, as the editor's own language features know it. Sent only to clients
 * that say in their InitializationOptions that they answer it. The answer is of use for 150 ms: what is not known by then is left out.
 */
export namespace DefinitionsRequest {
  export const method = 'niwaki/definitions';
  export interface Params {
    readonly uri: string;
    /** A client that has another version of the document answers with no places. */
    readonly version: number;
    readonly positions: readonly Position[];
  }
  export interface Place {
    readonly uri: string;
    /** From 0, the end not included: the definition's lines, or those of its name. */
    readonly startLine: number;
    readonly endLine: number;
  }
  export interface Result {
    /** One list for each position. Places outside the workspace are left out. */
    readonly places: readonly (readonly Place[])[];
    /** Whether every position was answered in time. */
    readonly complete: boolean;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: why nothing is completed in a document, whatever the settings say. */
export namespace RefusalRequest {
  export const method = 'niwaki/refusal';
  export interface Params {
    readonly uri: string;
  }
  export interface Result {
    /** '' = it is completed; 'secret' = its name says that it holds secrets; 'niwakiignore' = a .niwakiignore names it. */
    readonly reason: '' | 'secret' | 'niwakiignore';
  }
  export const type = new RequestType<Params, Result, void>(method);
}
