/**
 * Suggestions that were made lately. When the user types along one, or deletes and comes back to where it was made, the rest of
 * it is the answer and the model need not run.
 */
import { isClosersOnly } from '../prompt';

interface Recent {
  /** Characters before the place of the suggestion, and the last of them. */
  readonly beforeLength: number;
  readonly beforeTail: string;
  /** Characters behind it, and the first of them. */
  readonly afterLength: number;
  readonly afterHead: string;
  /** The suggestion as the model made it, before it was fitted to what follows the cursor. */
  readonly raw: string;
}

const mostRemembered = 16;
/** Enough to know a place by; the whole text would keep every version of the file in memory. */
const contextCharacters = 512;

/** A copy that does not keep the long string alive of which `text` is a part. */
function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

/** Whether the text behind the cursor is the remembered one, give or take closing brackets and quotes at its start. */
function sameBehind(recent: Recent, after: string): boolean {
  const added = after.length - recent.afterLength;
  if (Math.abs(added) > 8) {
    return false;
  }
  const [longer, shorter] = added >= 0 ? [after, recent.afterHead] : [recent.afterHead, after];
  const inserted = longer.slice(0, Math.abs(added));
  const rest = longer.slice(inserted.length, inserted.length + contextCharacters);
  const shared = Math.min(rest.length, shorter.length, contextCharacters - 8);
  return (
    isClosersOnly(inserted) && !/[\r\n]/.test(inserted) && rest.slice(0, shared) === shorter.slice(0, shared)
  );
}

export class RecentSuggestions {
  private readonly byDocument = new Map<string, Recent[]>();

  remember(uri: string, before: string, after: string, raw: string): void {
    const recent: Recent = {
      beforeLength: before.length,
      beforeTail: detached(before.slice(-contextCharacters)),
      afterLength: after.length,
      afterHead: detached(after.slice(0, contextCharacters)),
      raw,
    };
    const kept = (this.byDocument.get(uri) ?? []).filter((old) => old.beforeLength !== recent.beforeLength);
    this.byDocument.set(uri, [...kept.slice(-(mostRemembered - 1)), recent]);
  }

  /** What is left of a suggestion that the user typed along; undefined when there is none, or nothing of it is left. */
  find(uri: string, before: string, after: string): string | undefined {
    const candidates = this.byDocument.get(uri) ?? [];
    for (let i = candidates.length - 1; i >= 0; i -= 1) {
      const candidate = candidates[i] as Recent;
      const typed = before.length - candidate.beforeLength;
      if (
        typed >= 0 &&
        typed < candidate.raw.length &&
        before.endsWith(candidate.beforeTail + candidate.raw.slice(0, typed)) &&
        sameBehind(candidate, after)
      ) {
        return candidate.raw.slice(typed);
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
