/**
 * What the user changed lately, as small diffs. Kept in memory only. Texts are compared when the user rests, so that typing costs
 * nothing; what was changed in one go, or in one place again and again, is one edit.
 */
import { asDiff, lineChange, type LineChange } from './text/lineDiff';

export interface RecentEdit {
  readonly uri: string;
  readonly change: LineChange;
  /** The change as a hunk of a unified diff. */
  readonly diff: string;
}

interface Settled {
  /** As it was before the latest edit. */
  readonly before: string;
  /** As it was when it was last compared. */
  readonly text: string;
}

const mostEdits = 8;
/** A text that has not changed since is the editor's own, and costs nothing. */
const mostDocuments = 32;
/** Characters. The texts of larger documents would be held twice. */
const mostCharacters = 512 * 1024;
/** Lines. What is larger was pasted, formatted or generated, and tells nothing that its place in the file does not. */
const mostLines = 12;
/** Lines between two changes that are still one edit. */
const near = 3;

function isSmall({ removed, added }: LineChange): boolean {
  const lines = [...removed, ...added];
  return (
    removed.length <= mostLines &&
    added.length <= mostLines &&
    lines.some((line) => line.trim() !== '') &&
    lines.every((line) => line.length <= 200)
  );
}

function adjoins(one: LineChange, other: LineChange): boolean {
  return (
    one.startLine <= other.startLine + other.added.length + near &&
    other.startLine <= one.startLine + one.added.length + near
  );
}

export class RecentEdits {
  private readonly settled = new Map<string, Settled>();
  /** The latest last. */
  private edits: readonly RecentEdit[] = [];

  /** The document's text before the user changes anything, or when changes are not to count. */
  start(uri: string, text: string): void {
    this.settled.delete(uri);
    if (text.length <= mostCharacters) {
      this.settled.set(uri, { before: text, text });
    }
    if (this.settled.size > mostDocuments) {
      this.settled.delete(this.settled.keys().next().value as string);
    }
  }

  /** Compares the text with what it was when it was last compared. */
  settle(uri: string, text: string): void {
    const known = this.settled.get(uri);
    if (known === undefined || text.length > mostCharacters) {
      this.start(uri, text);
      return;
    }
    const step = known.text === text ? undefined : lineChange(known.text, text);
    if (step === undefined) {
      return;
    }
    const last = this.edits.findLast((edit) => edit.uri === uri);
    const goesOn = last !== undefined && adjoins(last.change, step);
    const before = goesOn ? known.before : known.text;
    const change = goesOn ? lineChange(before, text) : step;
    const others = goesOn ? this.edits.filter((edit) => edit !== last) : this.edits;
    this.start(uri, text);
    if (change !== undefined && isSmall(change)) {
      this.settled.set(uri, { before, text });
      this.edits = [...others, { uri, change, diff: asDiff(change) }].slice(-mostEdits);
    } else {
      this.edits = others; // taken back, or grown too large
    }
  }

  /** The document is closed: what was changed in it is still what was changed lately. */
  closed(uri: string): void {
    this.settled.delete(uri);
  }

  clear(): void {
    this.settled.clear();
    this.edits = [];
  }

  /** The latest last. */
  all(): readonly RecentEdit[] {
    return this.edits;
  }
}
