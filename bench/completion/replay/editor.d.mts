import type { Documents, RecordedEvent, Recording } from './format.mjs';

export interface Change {
  readonly doc: string;
  readonly at: number;
  readonly gone: string;
  readonly insert: string;
}

export class Editor {
  constructor(recording: Recording, options?: { readonly acceptShare?: number; readonly seed?: number });
  readonly documents: Documents;
  readonly figures: Readonly<
    Record<'typed' | 'keys' | 'shown' | 'right' | 'accepted' | 'saved' | 'couldSave', number>
  >;
  get ghost(): { readonly text: string; readonly start: number; readonly end: number } | undefined;
  get upcoming(): RecordedEvent | undefined;
  step(now: number): {
    readonly event: RecordedEvent;
    readonly change: Change | undefined;
    readonly accepted: boolean;
  };
  show(
    item: { readonly text: string; readonly start: number; readonly end: number } | undefined,
    now: number,
  ): void;
}
