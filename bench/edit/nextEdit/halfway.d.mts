import type { NextSources, Offered } from './replay.mjs';

type Ask = (
  document: { readonly languageId: string; readonly text: string },
  cursor: number,
) => Promise<Offered | undefined>;

export function askHalfway(
  next: Pick<NextSources, 'replacementsBetween'>,
  before: string,
  ask: Ask,
  rests: { asked: number; offers: number },
): Ask;
