/**
 * What the user has changed in a document, seen from a text that is some changes old: what was taken back is no change, a name that was typed
 * in three goes is one. Texts are compared when the user rests. Kept in memory only.
 */
import { replacementsBetween, type Replacement } from './changes';

export interface Made {
  /** In the order of the text. */
  readonly all: readonly Replacement[];
  /** Of those, what was changed last. */
  readonly latest: readonly Replacement[];
}

interface Followed {
  /** Where the changes count from. */
  base: string;
  /** As it was when it was last compared. */
  text: string;
  made: Made;
  /** What the user took back: keys. It is not offered again unless it is made by hand again. */
  readonly takenBack: Set<string>;
}

/** A text that has not changed since is the editor's own, and costs nothing. */
const mostDocuments = 32;
/** UTF-16 units. Larger files are not followed: comparing them would take longer than a key may wait. */
const mostFollowed = 128 * 1024;
/** What has more was not made by hand lately. */
const mostReplacements = 80;
/** Changes of one document that were taken back. */
const mostTakenBack = 200;
/** UTF-16 units of what is taken away and of what comes for it. Longer changes are not made again, and so not remembered. */
export const longestRepeated = 1_000;
const nothing: Made = { all: [], latest: [] };

/** Names a change: the same tokens in the place of the same. */
export function keyOf({
  removed,
  inserted,
}: {
  readonly removed: string;
  readonly inserted: string;
}): string {
  return `${removed}\0${inserted}`;
}

/** What `step`, the replacements from `text` to the one behind it, has touched of that one. */
function touched(all: readonly Replacement[], step: readonly Replacement[]): Replacement[] {
  return all.filter((one) => step.some(({ start, end }) => one.start <= end && start <= one.end));
}

/** What was remembered first is forgotten first. */
function remember(keys: Set<string>, key: string): void {
  keys.delete(key);
  keys.add(key);
  if (keys.size > mostTakenBack) {
    keys.delete(keys.values().next().value as string);
  }
}

export class FollowedTexts {
  private readonly documents = new Map<string, Followed>();

  /** The document's text before the user changes anything, or when changes are not to count. */
  start(uri: string, text: string): void {
    this.documents.delete(uri);
    if (text.length <= mostFollowed) {
      this.documents.set(uri, { base: text, text, made: nothing, takenBack: new Set() });
    }
    if (this.documents.size > mostDocuments) {
      this.documents.delete(this.documents.keys().next().value as string);
    }
  }

  /** What has been changed by now. */
  settle(uri: string, text: string): Made {
    const known = this.documents.get(uri);
    if (known === undefined || text.length > mostFollowed) {
      this.start(uri, text);
      return nothing;
    }
    if (known.text === text) {
      return known.made;
    }
    const step = replacementsBetween(known.text, text);
    if (step === undefined || step.length > mostReplacements) {
      this.start(uri, text); // pasted, formatted, another version
      return nothing;
    }
    for (const one of step) {
      // Whoever makes of the new text the old one again has seen that it was wrong.
      if (one.removed.length + one.inserted.length <= longestRepeated) {
        remember(known.takenBack, keyOf({ removed: one.inserted, inserted: one.removed }));
      }
      known.takenBack.delete(keyOf(one));
    }
    let all = replacementsBetween(known.base, text);
    if (all === undefined || all.length > mostReplacements) {
      known.base = known.text;
      all = step;
    }
    known.text = text;
    known.made = { all, latest: touched(all, step) };
    return known.made;
  }

  /** Whether the user has taken such a change back. */
  tookBack(uri: string, change: { readonly removed: string; readonly inserted: string }): boolean {
    return this.documents.get(uri)?.takenBack.has(keyOf(change)) === true;
  }

  closed(uri: string): void {
    this.documents.delete(uri);
  }
}
