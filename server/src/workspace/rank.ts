/** Chooses among what could be shown, and says in which order. Pure. */
import { contextSources, type ContextPart } from './part';

/** Whether two parts show some of the same lines. A diff shows other lines than the file has. */
function overlap(a: ContextPart, b: ContextPart): boolean {
  return (
    a.path === b.path &&
    (a.source === 'recentEdit') === (b.source === 'recentEdit') &&
    a.startLine < b.endLine &&
    b.startLine < a.endLine
  );
}

/** The same text at the same place: what a model has read of one holds for the other. */
export function isSamePart(a: ContextPart, b: ContextPart): boolean {
  return (
    a.path === b.path && a.text === b.text && (a.source === 'recentEdit') === (b.source === 'recentEdit')
  );
}

/** The best of the candidates that do not overlap, at most so many characters together, the best first. */
export function chooseParts(
  candidates: readonly ContextPart[],
  mostCharacters: number,
): readonly ContextPart[] {
  const chosen: ContextPart[] = [];
  let left = mostCharacters;
  for (const part of [...candidates].sort((a, b) => b.score - a.score)) {
    if (part.text.length <= left && !chosen.some((other) => overlap(other, part))) {
      chosen.push(part);
      left -= part.text.length;
    }
  }
  return chosen;
}

/**
 * The order in a prompt. A change in it makes all that follows it new to the model: so what was shown before stays where it was, at the
 * beginning, and of what is new that comes first which changes least.
 */
export function orderParts(
  chosen: readonly ContextPart[],
  previous: readonly ContextPart[],
): readonly ContextPart[] {
  const kept = previous.flatMap((old) => chosen.filter((part) => isSamePart(part, old)).slice(0, 1));
  const added = chosen.filter((part) => !kept.includes(part));
  const place = ({ source }: ContextPart): number => contextSources.indexOf(source);
  // Of one source the less useful first: the best stands nearest to the file, and is the last to be moved.
  added.sort((a, b) => place(a) - place(b) || a.score - b.score);
  return [...kept, ...added];
}
