/** How much is suggested at a place: the rest of the line, or the body of a block that is to be written. */
import { blockEnd, traitsOf, type Cut, type Scope } from '../../syntax';

/** Lines that a suggestion may have. `most`: what the model and the effort allow. */
export function linesFor(scope: Scope, most: number): number {
  return scope.multiLine ? Math.max(1, most) : 1;
}

/**
 * `generated`, which may still be going on, up to the end of the block whose body it is. Where no body is to be written nothing is
 * cut: the number of lines ends the text there.
 */
export function cutAtBlockEnd(generated: string, scope: Scope, before: string): Cut {
  if (!scope.multiLine || !scope.checkable) {
    return { text: generated, ended: false };
  }
  return blockEnd(
    generated,
    {
      style: scope.blocks,
      indent: scope.blockIndent,
      closed: scope.blockClosed,
      inner: scope.blockInner,
    },
    traitsOf(scope.languageId).lexis,
    scope.state,
    before,
  );
}

/** `generated` as far as it may reach at this place: its lines, and the block's end. */
export function cutToScope(generated: string, scope: Scope, before: string, most: number): string {
  const lines = generated.split('\n').slice(0, linesFor(scope, most)).join('\n').trimEnd();
  return cutAtBlockEnd(lines, scope, before).text;
}
