import type { QuietPlaces } from './decide';
import type { ContextPlan } from '../workspace';
import type { Effort } from './effort';
import type { Proposer } from './proposals';

/** A document as it was when a completion was asked for. Strings are immutable: what the editor does meanwhile changes nothing. */
export interface DocumentSnapshot {
  readonly uri: string;
  /** For the prompt: the path in the workspace with forward slashes, or the file's name. */
  readonly path: string;
  readonly languageId: string;
  readonly version: number;
  readonly text: string;
}

/** The item that is selected in the editor's suggest widget: a suggestion must extend it to be shown. */
export interface SelectedCompletion {
  /** Offsets of the text that the item would replace. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface CompletionRequest {
  readonly document: DocumentSnapshot;
  /** Of the cursor, in UTF-16 units. */
  readonly offset: number;
  readonly selected?: SelectedCompletion;
  /** Most tokens. */
  readonly maxTokens: number;
  /** Absent = full effort. */
  readonly effort?: Effort;
  /** Whether the user asked by a command: then there is no waiting for a pause in typing. */
  readonly invoked?: boolean;
  /** Most suggestions; absent = 1. More than one cost more runs of the model. */
  readonly alternatives?: number;
  /** Least confidence that a suggestion must have to be shown, 0 to 1; absent = 0. Where the user asked by a command everything is. */
  readonly minConfidence?: number;
  /** One proposer alone, for evaluation. */
  readonly only?: 'model' | 'copy';
  /** Absent = suggestions are made in comments and strings, too. */
  readonly places?: QuietPlaces;
  /** What to show besides the file, whatever the document's prompts show otherwise. For measuring. */
  readonly context?: ContextPlan;
}

export interface Suggestion {
  readonly text: string;
  /** Offsets of the text that `text` replaces. */
  readonly start: number;
  readonly end: number;
  /** 0 to 1: how probable it is that its line goes on exactly like that. */
  readonly confidence: number;
  readonly proposer: Proposer;
}
