import { NotificationType, RequestType } from 'vscode-jsonrpc';
import type { Attachment } from './chat';

/** A file that is to be written. */
export interface PlannedFile {
  /** In the workspace, with forward slashes; in a workspace of several folders it begins with a folder's name. */
  readonly path: string;
  /** What it is for, one line. */
  readonly purpose: string;
}

/** What became of an attachment. */
export interface AttachedToFiles {
  /** As it is called: `src/a.ts:10-20`. */
  readonly label: string;
  readonly shown: 'whole' | 'part' | 'none';
  /** Why the model has seen nothing of it, or not all: a sentence. '' = it has seen it. */
  readonly reason: string;
}

/** What a planned path means. */
export interface CheckedFile {
  /** As it would be written; '' where it is refused. */
  readonly path: string;
  readonly uri: string;
  readonly exists: boolean;
  /** Why it is refused, a sentence; '' = it is not. */
  readonly problem: string;
}

/** client → server: which files a request leads to. Nothing is written. Cancelled by cancelling the request. */
export namespace PlanFilesRequest {
  export const method = 'niwaki/files/plan';
  export interface Params {
    /** What the user wants. */
    readonly request: string;
    /** A folder of the workspace that they belong in; '' = wherever they do. */
    readonly folder: string;
    /** What the user wants the model to see. */
    readonly attachments: readonly Attachment[];
  }
  export interface Result {
    readonly problem: string;
    readonly cancelled: boolean;
    readonly files: readonly PlannedFile[];
    readonly attached: readonly AttachedToFiles[];
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: what paths that a user or a model wrote mean: none leads out of the workspace, through a link or otherwise. In their order. */
export namespace CheckFilesRequest {
  export const method = 'niwaki/files/check';
  export interface Params {
    readonly paths: readonly string[];
  }
  export type Result = readonly CheckedFile[];
  export const type = new RequestType<Params, Result, void>(method);
}

/** client → server: the text of one file of a plan. Nothing is written. Cancelled by cancelling the request. */
export namespace WriteFileRequest {
  export const method = 'niwaki/files/write';
  export interface Params {
    /** Names it in FileTextNotification. */
    readonly job: string;
    readonly request: string;
    readonly attachments: readonly Attachment[];
    /** The whole plan, as the user left it. */
    readonly plan: readonly PlannedFile[];
    /** Which of them. */
    readonly index: number;
    /** Those of the plan that were written already, in its order: what they export may be used. */
    readonly written: readonly { readonly path: string; readonly text: string }[];
  }
  export interface Result {
    readonly problem: string;
    readonly cancelled: boolean;
    readonly file: CheckedFile;
    /** With the line ends, the head and the indentation of the files beside it. */
    readonly text: string;
    readonly attached: readonly AttachedToFiles[];
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** server → client: at most twenty a second. */
export namespace FileTextNotification {
  export const method = 'niwaki/files/text';
  export interface Params {
    readonly job: string;
    readonly phase: 'loading' | 'waiting' | 'reading' | 'writing';
    /** All of it so far. */
    readonly text: string;
  }
  export const type = new NotificationType<Params>(method);
}
