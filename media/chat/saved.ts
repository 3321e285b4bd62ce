/** What the page remembers while it is not there: VS Code throws it away when it is hidden, and when the window is loaded anew. */
import { anyOf, count, finite, flag, listOf, orNull, record, text } from '../../protocol/src/shape';
import { attachment } from '../../protocol/src/chatShapes';
import type { LabelledAttachment } from '../../protocol/src/chatPage';

/** What stands in an input and has not been sent. */
export interface SavedDraft {
  readonly input: string;
  readonly chips: readonly LabelledAttachment[];
}

export interface Saved {
  readonly version: 1;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly conversation: string;
  /** By conversation, '' = a new one. The last that were touched. */
  readonly drafts: readonly { readonly conversation: string; readonly draft: SavedDraft }[];
  /** A message that is being edited. */
  readonly editing: { readonly message: string; readonly draft: SavedDraft } | null;
  /** null = at the end. */
  readonly top: number | null;
  readonly thinking: boolean;
  readonly list: boolean;
  readonly search: string;
}

export const mostDrafts = 20;

const draft = record<SavedDraft>({
  input: text(),
  chips: listOf(record<LabelledAttachment>({ attachment, label: text() }), 200),
});

const shape = record<Saved>({
  version: (value) => (value === 1 ? 1 : undefined),
  at: finite,
  conversation: text(),
  drafts: listOf(record<Saved['drafts'][number]>({ conversation: text(), draft }), 100),
  editing: orNull(record<NonNullable<Saved['editing']>>({ message: text(), draft })),
  top: orNull(anyOf(count, finite)),
  thinking: flag,
  list: flag,
  search: text(2_000),
});

export const nothingSaved: Saved = {
  version: 1,
  at: 0,
  conversation: '',
  drafts: [],
  editing: null,
  top: null,
  thinking: false,
  list: false,
  search: '',
};

/** The newest of what may have been saved. What is not as we save it counts as nothing. */
export function readSaved(...values: readonly unknown[]): Saved {
  return values
    .map((value) => shape(value) ?? nothingSaved)
    .reduce((newest, one) => (one.at > newest.at ? one : newest), nothingSaved);
}

/** A conversation's draft among the others; an empty one is forgotten. */
export function withDraft(drafts: Saved['drafts'], conversation: string, saved: SavedDraft): Saved['drafts'] {
  const others = drafts.filter((one) => one.conversation !== conversation);
  const empty = saved.input === '' && saved.chips.length === 0;
  return empty ? others : [...others, { conversation, draft: saved }].slice(-mostDrafts);
}
