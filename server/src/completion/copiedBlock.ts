/** A copied line with what follows it where it stands, where the body of a block is to be written. */
import type { Scope } from '../syntax';
import { cutAtBlockEnd } from './decide';
import type { RankedProposal } from './proposals';

/** Whole lines before the cursor that must have agreed: one line alone says nothing of the next one. */
const leastLines = 1;

/** Up to `most` lines, up to the end of the block. Line breaks are '\n'. */
export function copiedBlock({ text, origin, features }: RankedProposal, scope: Scope, most: number): string {
  if (!scope.multiLine || origin === undefined || (features['lines'] ?? 0) < leastLines) {
    return text;
  }
  const { source, end } = origin;
  const lines = source
    .slice(end, end + most * 300)
    .replaceAll('\r', '')
    .split('\n', most);
  return cutAtBlockEnd(lines.join('\n'), scope, source.slice(Math.max(0, end - 2000), end)).text.trimEnd();
}
