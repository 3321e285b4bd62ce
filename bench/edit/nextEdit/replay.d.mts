import type { NextEdits, Offer } from '../../../server/src/edit/next';
import type { replacementsBetween } from '../../../server/src/edit/next/changes';
import type { runsBetween, tokensOf } from '../../../server/src/edit/next/tokens';

export interface NextSources {
  readonly NextEdits: typeof NextEdits;
  readonly replacementsBetween: typeof replacementsBetween;
  readonly runsBetween: typeof runsBetween;
  readonly tokensOf: typeof tokensOf;
}

export type Offered = Pick<Offer, 'start' | 'end' | 'text' | 'before'>;

export interface ReplayResult {
  readonly asked: number;
  readonly repeats: number;
  readonly covered: number;
  readonly offers: readonly { readonly hit: boolean; readonly offer: Offered }[];
}

export class Replay {
  constructor(
    next: NextSources,
    file: { readonly before: string; readonly after: string; readonly language: string },
  );
  get usable(): boolean;
  run(
    ask: (
      document: { readonly languageId: string; readonly text: string },
      cursor: number,
    ) => Promise<Offered | undefined>,
    decline: (offer: Offered) => void,
  ): Promise<ReplayResult>;
}
