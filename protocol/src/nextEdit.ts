import { NotificationType, RequestType } from 'vscode-jsonrpc';
import type { TextEdit } from './textEdits';

/** A change that the user has just made elsewhere in the document, offered at another place. */
export interface NextEdit {
  readonly uri: string;
  /** Of the document that it was made for. */
  readonly version: number;
  readonly edit: TextEdit;
  /** Where it is, lines and UTF-16 units counted from 0: for showing. */
  readonly line: number;
  readonly character: number;
  /** What is to be replaced there. */
  readonly before: string;
  /** 0 to 1: how sure it is. */
  readonly confidence: number;
}

/** client → server: what comes next after the edits of the last seconds; null = nothing is certain. The server has followed the edits. */
export namespace NextEditRequest {
  export const method = 'niwaki/nextEdit';
  export interface Params {
    readonly uri: string;
    readonly version: number;
    readonly line: number;
    readonly character: number;
  }
  export type Result = NextEdit | null;
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: what became of an offer; one that was refused is not made again. */
export namespace NextEditDecidedNotification {
  export const method = 'niwaki/nextEdit/decided';
  export interface Params {
    readonly uri: string;
    readonly before: string;
    readonly after: string;
    readonly accepted: boolean;
  }
  export const type = new NotificationType<Params>(method);
}
