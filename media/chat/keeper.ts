/** Keeps what the page must remember, while it changes and when it goes. */
import { keepNow, savedStates, saveState } from './host';
import { nothingSaved, readSaved, withDraft, type Saved, type SavedDraft } from './saved';

const saveAfterMs = 200;

export const noDraft: SavedDraft = { input: '', chips: [] };

/** How the page is just now, and what stands in its main input. */
export interface Now extends Omit<Saved, 'version' | 'at' | 'drafts'> {
  readonly draft: SavedDraft;
}

export class Keeper {
  private saved: Saved = nothingSaved;
  private timer: number | undefined;

  /** `now`: undefined while the page has not been told what to show, for what was there before is still wanted. */
  constructor(private readonly now: () => Now | undefined) {
    const save = (): void => {
      this.save();
      keepNow();
    };
    window.addEventListener('pagehide', save);
    document.addEventListener('visibilitychange', save);
  }

  /** What the page before this one has kept. */
  read(): Saved {
    this.saved = readSaved(...savedStates());
    return this.saved;
  }

  /** What has not been sent in a conversation; '' = a new one. */
  draftOf(conversation: string): SavedDraft {
    return this.saved.drafts.find((one) => one.conversation === conversation)?.draft ?? noDraft;
  }

  keepDraft(conversation: string, draft: SavedDraft): void {
    this.saved = { ...this.saved, drafts: withDraft(this.saved.drafts, conversation, draft) };
  }

  soon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.save();
    }, saveAfterMs);
  }

  private save(): void {
    const now = this.now();
    if (now !== undefined) {
      const { draft, ...rest } = now;
      this.keepDraft(now.conversation, draft);
      this.saved = { ...this.saved, ...rest, at: Date.now() };
      saveState(this.saved);
    }
  }
}
