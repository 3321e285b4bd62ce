/**
 * Suggestions that were made lately. When the user types along one, or deletes and comes back to where it was made, the rest of
 * it is the answer and the model need not run.
 *
 * An entry belongs to all that stood before its place and all that stood behind it, give or take closing brackets and quotes that the
 * editor types by itself: an edit anywhere else in the file makes it no answer any more. Whole texts are compared by their hashes, and
 * only when their lengths and what stands next to the cursor agree.
 */
import { createHash } from 'node:crypto';
import { isClosersOnly } from '../prompt';
import { detached } from '../util/detached';

interface Recent<T> {
  /** Characters before the place of the suggestion, the last of them, and a hash of all. */
  readonly beforeLength: number;
  readonly beforeTail: string;
  readonly beforeHash: string;
  /** Characters behind it, the first of them, and of what stands behind leading closers the length and a hash. */
  readonly afterLength: number;
  readonly afterHead: string;
  readonly afterHash: string;
  /** The suggestion as it was made, before it was fitted to what follows the cursor. */
  readonly raw: string;
  readonly made: T;
}

export interface Found<T> {
  /** What is left of the suggestion. */
  readonly rest: string;
  /** What was remembered with it. */
  readonly made: T;
}

/** In each document. What was used longest ago goes first. */
const mostRemembered = 16;
/** Most characters that an editor types behind the cursor, and we bear. */
const mostClosers = 8;
/** Enough to know most places by; the whole text would keep every version of the file in memory. */
const contextCharacters = 512;

function hashOf(text: string): string {
  return createHash('sha1').update(text, 'utf16le').digest('base64');
}

/** What stands behind the closing brackets and quotes that `after` may begin with, in the same line. */
function behindClosers(after: string): string {
  return after.slice(/^[^\S\r\n]*[)\]}>'"`;, \t]*/.exec(after)?.[0].length ?? 0);
}

/** Whether the beginning of `after` is the remembered one, give or take closers. */
function sameNear<T>(recent: Recent<T>, after: string): boolean {
  const added = after.length - recent.afterLength;
  if (Math.abs(added) > mostClosers) {
    return false;
  }
  const [longer, shorter] = added >= 0 ? [after, recent.afterHead] : [recent.afterHead, after];
  const inserted = longer.slice(0, Math.abs(added));
  const rest = longer.slice(inserted.length, inserted.length + contextCharacters);
  const shared = Math.min(rest.length, shorter.length, contextCharacters - mostClosers);
  return (
    isClosersOnly(inserted) && !/[\r\n]/.test(inserted) && rest.slice(0, shared) === shorter.slice(0, shared)
  );
}

function sameEverywhere<T>(recent: Recent<T>, before: string, after: string): boolean {
  return (
    hashOf(before.slice(0, recent.beforeLength)) === recent.beforeHash &&
    hashOf(behindClosers(after)) === recent.afterHash
  );
}

/** `T`: what is remembered beside the text. */
export class RecentSuggestions<T = undefined> {
  /** In order of use, the latest last. */
  private readonly byDocument = new Map<string, Recent<T>[]>();

  remember(uri: string, before: string, after: string, raw: string, made: T): void {
    const recent: Recent<T> = {
      beforeLength: before.length,
      beforeTail: detached(before.slice(-contextCharacters)),
      beforeHash: hashOf(before),
      afterLength: after.length,
      afterHead: detached(after.slice(0, contextCharacters)),
      afterHash: hashOf(behindClosers(after)),
      raw: detached(raw),
      made,
    };
    const others = (this.byDocument.get(uri) ?? []).filter(
      (old) => old.beforeHash !== recent.beforeHash || old.afterHash !== recent.afterHash,
    );
    this.byDocument.set(uri, [...others.slice(-(mostRemembered - 1)), recent]);
  }

  /** What is left of a suggestion that the user typed along; undefined when there is none, or nothing of it is left. */
  find(uri: string, before: string, after: string): Found<T> | undefined {
    const candidates = this.byDocument.get(uri) ?? [];
    for (let i = candidates.length - 1; i >= 0; i -= 1) {
      const candidate = candidates[i] as Recent<T>;
      const typed = before.length - candidate.beforeLength;
      if (
        typed >= 0 &&
        typed < candidate.raw.length &&
        before.endsWith(candidate.beforeTail + candidate.raw.slice(0, typed)) &&
        sameNear(candidate, after) &&
        sameEverywhere(candidate, before, after)
      ) {
        candidates.splice(i, 1);
        candidates.push(candidate);
        return { rest: candidate.raw.slice(typed), made: candidate.made };
      }
    }
    return undefined;
  }

  forget(uri: string): void {
    this.byDocument.delete(uri);
  }

  clear(): void {
    this.byDocument.clear();
  }
}
