/** What comes after the suggestion that is shown is taken: the place at which the next completion is then asked for. */
import { cursorText } from '../prompt';
import { fitToCursor } from './fit';
import type { DocumentSnapshot } from './snapshot';

export interface NextPlace {
  readonly text: string;
  readonly offset: number;
}

/** `rest`: what is left of the suggestion at the cursor, before it is fitted to what stands there. Undefined = nothing is shown. */
export function placeAfterAccepting(
  document: DocumentSnapshot,
  offset: number,
  rest: string,
): NextPlace | undefined {
  const { text } = document;
  const fitted = fitToCursor(rest, cursorText(text, offset));
  return (
    fitted && {
      text: text.slice(0, offset) + fitted.text + text.slice(offset + fitted.replaced),
      offset: offset + fitted.text.length,
    }
  );
}
