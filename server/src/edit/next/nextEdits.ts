/** The change that the user has just made, offered at the next place where it belongs: one at a time, and only where that is certain. */
import { FollowedTexts, keyOf } from './followed';
import { nextPlaces, type Candidate, type Followable, type Trees } from './places';
import { rulesOf } from './rules';

export interface Offer {
  /** UTF-16 units of the text that was asked about. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly before: string;
  /** 0 to 1. */
  readonly confidence: number;
  readonly candidate: Candidate;
}

/** How sure a candidate is, 0 to 1. Rejects as cancelled when `signal` aborts. */
export type Judge = (document: Followable, candidate: Candidate, signal: AbortSignal) => Promise<number>;

export interface NextEditsOptions {
  readonly trees: Trees;
  readonly judge: Judge;
  /** Least confidence of what is offered. */
  readonly least: number;
}

/** What was declined, by document; beyond these what was declined first may be offered again. */
const mostDeclined = 200;

export class NextEdits {
  private readonly followed = new FollowedTexts();
  private readonly declined = new Map<string, Set<string>>();

  constructor(private readonly options: NextEditsOptions) {}

  /** A document as it is before the user changes anything. */
  opened(uri: string, text: string): void {
    this.followed.start(uri, text);
  }

  closed(uri: string): void {
    this.followed.closed(uri);
    this.declined.delete(uri);
  }

  /** `cursor`: an offset. Undefined where nothing is certain. */
  async next(document: Followable, cursor: number, signal: AbortSignal): Promise<Offer | undefined> {
    const { uri, text } = document;
    const { trees, judge, least } = this.options;
    const made = this.followed.settle(uri, text);
    for (const rule of rulesOf(made)) {
      if (this.declined.get(uri)?.has(keyOf(rule)) === true || this.followed.tookBack(uri, rule)) {
        continue;
      }
      for (const candidate of await nextPlaces(document, rule, made.all, cursor, trees)) {
        const confidence = signal.aborted ? 0 : await judge(document, candidate, signal);
        if (confidence >= least && !signal.aborted) {
          const { start, end } = candidate;
          return { start, end, text: rule.inserted, before: text.slice(start, end), confidence, candidate };
        }
      }
    }
    return undefined;
  }

  /**
   * Follows a document without asking. An offer was taken, and `text` is what came of it: whoever undoes that, however soon, takes it back; or nothing
   * may be asked now.
   */
  seen(uri: string, text: string): void {
    this.followed.settle(uri, text);
  }

  /** The user does not want this change made elsewhere. */
  decline(uri: string, change: { readonly removed: string; readonly inserted: string }): void {
    const declined = this.declined.get(uri) ?? new Set();
    this.declined.set(uri, declined);
    declined.add(keyOf(change));
    if (declined.size > mostDeclined) {
      declined.delete(declined.values().next().value as string);
    }
  }
}
