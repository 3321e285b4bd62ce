/** One completion in the making: what was asked, what stands there, and what has been found so far. */
import { isClosersOnly, type CursorText } from '../prompt';
import type { Scope } from '../syntax';
import { linesFor } from './decide';
import type { Effort } from './effort';
import type { LinePolicy } from './lines';
import type { CompletionRequest, Suggestion } from './snapshot';
import type { SuggestionTrace } from './trace';

export interface Making {
  readonly request: CompletionRequest;
  readonly effort: Effort;
  /** With the selected item of the suggest widget put in. */
  readonly text: string;
  readonly offset: number;
  readonly cursor: CursorText;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly trace: SuggestionTrace;
  /** What will be shown, the surest first. */
  readonly found: Suggestion[];
}

/** The text with the selected item of the suggest widget put in, and where the cursor is then. */
export function withSelected(request: CompletionRequest): { readonly text: string; readonly offset: number } {
  const { selected } = request;
  const { text } = request.document;
  if (selected === undefined) {
    return { text, offset: request.offset };
  }
  return {
    text: text.slice(0, selected.start) + selected.text + text.slice(selected.end),
    offset: selected.start + selected.text.length,
  };
}

/** Lines where nothing follows the cursor; the end of the line where something does. */
export function linePolicy({ effort, cursor, scope }: Making, most: number): LinePolicy {
  const alone = isClosersOnly(cursor.restOfLine) && cursor.restOfLine.trim() === '';
  return { maxLines: alone ? linesFor(scope, Math.min(most, effort.maxLines)) : 1 };
}

/** Suggestions that are wanted. */
export function mostOf({ alternatives }: CompletionRequest): number {
  return Math.max(1, alternatives ?? 1);
}

/** How sure a suggestion must be to be shown. */
export function leastConfidence({ invoked, minConfidence }: CompletionRequest): number {
  return invoked === true ? 0 : (minConfidence ?? 0);
}
