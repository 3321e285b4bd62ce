import { RequestType0 } from 'vscode-jsonrpc';
import type { CompletionStrategy } from './configuration';

/** A part of a prompt, in the order in which the model read them. */
export interface PromptPart {
  /** What it is: 'before the cursor', 'behind the cursor', 'instructions', 'another file' … */
  readonly what: string;
  /** Where it is from: a path in the workspace, or '' = it is no text of the user's. */
  readonly source: string;
  readonly characters: number;
  readonly tokens: number;
}

/** Prompt tokens: reused + computed = all. */
export interface PromptTokens {
  readonly all: number;
  /** Their KV was there. */
  readonly reused: number;
  /** Of the reused ones: computed by other sessions. */
  readonly shared: number;
  /** Of the reused ones: moved behind an edit, approximate. */
  readonly shifted: number;
  readonly computed: number;
}

/** Milliseconds. Phases that did not take place are 0. */
export interface SuggestionTimes {
  /** Waiting for a pause in typing. */
  readonly debounce: number;
  /** Waiting for the model to be loaded. */
  readonly model: number;
  /** Making the prompt. */
  readonly prompt: number;
  /** Waiting for the engine, paused included. */
  readonly queue: number;
  readonly prefill: number;
  readonly decode: number;
  /** From what was written to what is shown. */
  readonly decide: number;
  readonly total: number;
}

/** What somebody proposed, before anything was decided. */
export interface Proposal {
  readonly proposer: string;
  readonly text: string;
  /** 0 to 1; absent = it was given none. */
  readonly confidence?: number;
  /** What went into the confidence. */
  readonly features: Readonly<Record<string, number>>;
}

export interface FilterOutcome {
  readonly name: string;
  /** In words: 'kept', 'cut at the end of the line', … */
  readonly outcome: string;
}

/** How a suggestion came about. Kept in memory only, for the last request alone. */
export interface SuggestionReport {
  readonly uri: string;
  readonly languageId: string;
  /** Of the cursor; from 0, characters are UTF-16 units. */
  readonly position: { readonly line: number; readonly character: number };
  /** What was offered, '' = nothing. */
  readonly suggestion: string;
  /** Who made it, '' = nobody. */
  readonly proposer: string;
  readonly confidence?: number;
  /** 'run': the model was asked now; 'typedAlong': an earlier suggestion was being typed. */
  readonly by: 'run' | 'typedAlong';
  readonly strategy: CompletionStrategy | '';
  readonly strategyReason: string;
  /** Empty where no prompt was made. */
  readonly parts: readonly PromptPart[];
  readonly tokens: PromptTokens;
  /** Text that the completion had to begin with (token healing). */
  readonly healed: string;
  /** What the model wrote, before anything was cut. */
  readonly written: string;
  readonly decodedTokens: number;
  readonly times: SuggestionTimes;
  readonly proposals: readonly Proposal[];
  readonly filters: readonly FilterOutcome[];
}

/** client → server: why the last suggestion is what it is. null before the first request. */
export namespace WhyRequest {
  export const method = 'niwaki/why';
  export const type = new RequestType0<SuggestionReport | null, void>(method);
}
