import { NotificationType, RequestType } from 'vscode-jsonrpc';
import type { TextEdits } from './textEdits';

/** Whole lines, counted from 0; `end` is not included. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What is to be done to a piece of code. instruct: what the instruction says. tests: their text goes into another file, in the project's own
 * layout. The others say what they do.
 */
export type EditTask =
  'instruct' | 'fix' | 'simplify' | 'extract' | 'toAsync' | 'toFunctions' | 'addTypes' | 'document' | 'tests';

/** What a language server or a parser says about a text. Lines count from 0. */
export interface EditProblem {
  readonly line: number;
  readonly message: string;
}

/** What is to become of one file. */
export interface FileChange {
  readonly uri: string;
  /** Of the document that the edits were made for; null = it is not open in the editor. */
  readonly version: number | null;
  /** UTF-16 units of the text that the edits were made for: where the editor reads a file that was not open as another text, they are none of it. */
  readonly length: number;
  /** Whether there is such a file. A new one has a single edit that inserts all of its text. */
  readonly exists: boolean;
  readonly edits: TextEdits;
  /** Errors of the syntax that the change adds, in lines of the changed text. */
  readonly broken: readonly EditProblem[];
}

export interface EditFigures {
  readonly promptTokens: number;
  /** Of the prompt: taken over from what was cached. */
  readonly reusedTokens: number;
  readonly tokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

/** client → server: a change, written by the model. Nothing is changed by it. Cancelled by cancelling the request. */
export namespace EditRequest {
  export const method = 'niwaki/edit/propose';
  export interface Params {
    /** Names it in EditProgressNotification. */
    readonly job: string;
    readonly uri: string;
    /** Of the document, as the client has it; another one is refused. */
    readonly version: number;
    /** What may be changed. */
    readonly range: LineRange;
    readonly task: EditTask;
    /** What the user wants; '' = what the task says. */
    readonly instruction: string;
    /** What is wrong there, for `fix`; or what an earlier try made wrong, with `tried`. */
    readonly problems: readonly EditProblem[];
    /** The text that an earlier try would have made of the range; '' = there was none. */
    readonly tried: string;
  }
  export interface Result {
    /** A sentence; '' = there is none. */
    readonly problem: string;
    readonly cancelled: boolean;
    /** Empty where the model would change nothing. */
    readonly changes: readonly FileChange[];
    /** rewrite: the whole range was written anew. blocks: only what changes, each behind the lines that it replaces. */
    readonly form: 'rewrite' | 'blocks';
    readonly figures: EditFigures | null;
  }
  export const type = new RequestType<Params, Result, void>(method);
}

/** server → client: how far an edit is; at most twenty a second. */
export namespace EditProgressNotification {
  export const method = 'niwaki/edit/progress';
  export interface Params {
    readonly job: string;
    readonly phase: 'loading' | 'waiting' | 'reading' | 'writing';
    /** 0 to 1; of `writing` an estimate. */
    readonly share: number;
    /** What is certain so far, against the version that was asked for; of `tests`, nothing. */
    readonly edits: TextEdits;
    /** Tokens that were written. */
    readonly tokens: number;
  }
  export const type = new NotificationType<Params>(method);
}
