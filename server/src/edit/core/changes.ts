/** From what a model wrote to edits of a text: search/replace blocks, or lines for a range. Pure; refuses what is not certain. */
import { diffArrays } from 'diff';
import type { LineRange, TextEdits } from '#protocol';
import type { Block } from './blocks';
import { FileLines, type LineChange } from './fileLines';
import { asAround, contentOf, indentOf, isBlank, stepOf, withoutTail } from './indentation';
import { onlyInOrder, placesOf, type Place, type Where } from './locate';

/** Edits of the text that was given, or why there are none. */
export interface Changes {
  readonly edits: TextEdits;
  /** A sentence; '' = there is none. Then nothing is to be applied. */
  readonly problem: string;
  /** The file's lines that each block, or the range, takes the place of; in the order of the blocks. Empty with a problem. */
  readonly places: readonly LineRange[];
}

export interface BlockOptions {
  /**
   * Whether whoever wrote the blocks was made to keep the order of the file. Then it may say which of several places is meant: where it leaves one choice.
   * What comes later can show that there is none, but never that it was another.
   */
  readonly inOrder: boolean;
}

/** Each is looked for in the whole range. More are no edit, but a model that does not end. */
const mostBlocks = 1000;

const refused = (problem: string): Changes => ({ edits: [], problem, places: [] });
const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, i) => line === b[i]);
const changesNothing = ({ search, replacement }: Block): boolean => isSame(search, replacement);

function named(range: LineRange): string {
  return range.end === range.start + 1
    ? `line ${String(range.start + 1)}`
    : `lines ${String(range.start + 1)} to ${String(range.end)}`;
}

function listed(starts: readonly number[]): string {
  const shown = starts.slice(0, 4).map((start) => String(start + 1));
  return `${shown.join(', ')}${starts.length > shown.length ? ` and ${String(starts.length - shown.length)} more` : ''}`;
}

/** What the replaced lines become, in the file's indentation: lines that the block keeps are the file's own. Undefined where nothing says how deep one is. */
function becomes(
  { search, replacement }: Block,
  { start, indents }: Place,
): LineChange['becomes'] | undefined {
  const made: (string | number)[] = [];
  let at = start;
  const bare = (line: string): string =>
    indents === undefined ? line : isBlank(line) ? '' : withoutTail(line);
  for (const part of diffArrays(search.map(bare), replacement.map(bare), { maxEditLength: 2000 }) ?? [
    { value: search, removed: true, added: false },
    { value: replacement, removed: false, added: true },
  ]) {
    for (const line of part.value) {
      if (part.added && indents !== undefined && !isBlank(line)) {
        const indent = indents.at(indentOf(line));
        if (indent === undefined) {
          return undefined;
        }
        made.push(indent + line.slice(indentOf(line).length));
      } else if (part.added) {
        made.push(indents === undefined ? line : '');
      } else if (!part.removed) {
        made.push(at);
      }
      at += part.added ? 0 : 1;
    }
  }
  return made;
}

/**
 * Each block must stand at one place of `range`, exactly or but for white space, and no two may overlap; the same block said twice counts once. All
 * blocks are of the text as it is: none sees what another makes of it. Throws nothing: a block that is not certain makes all of them refused.
 */
export function blockChanges(
  text: string,
  range: LineRange,
  blocks: readonly Block[],
  { inOrder }: BlockOptions = { inOrder: false },
): Changes {
  const file = new FileLines(text);
  const inside = file.clamped(range);
  const where: Where = {
    ...{ lines: file.lines, contents: file.lines.map((line) => contentOf(line)) },
    ...{ range: inside, step: stepOf(file.lines) },
  };
  if (blocks.length > mostBlocks) {
    return refused(`There are more than ${String(mostBlocks)} blocks in the answer.`);
  }
  const candidates: (readonly Place[])[] = [];
  for (const [index, block] of blocks.entries()) {
    const name = `Block ${String(index + 1)}`;
    if (block.search.length === 0) {
      // Only where there are no lines is it certain where new ones go.
      if (blocks.length === 1 && inside.start === inside.end) {
        return lineChanges(text, inside, block.replacement);
      }
      return refused(`${name} does not say which lines it replaces.`);
    }
    const step = stepOf([...block.search, ...block.replacement]);
    const places = placesOf({ lines: block.search, step }, where);
    if (places === 'many') {
      return refused(`${name}: the lines that it replaces stand at very many places.`);
    }
    if (places.length === 0) {
      return refused(`${name}: the lines that it replaces do not stand in ${named(inside)} of the file.`);
    }
    candidates.push(places);
  }
  const chosen = choose(blocks, candidates, inOrder);
  if (typeof chosen === 'string') {
    return refused(chosen);
  }
  const placed = blocks.map((block, index): LineRange => {
    const start = chosen[index]?.start ?? 0;
    return { start, end: start + block.search.length };
  });
  const changes: { change: LineChange; index: number }[] = [];
  for (const [index, block] of blocks.entries()) {
    const [place, lines] = [chosen[index], placed[index]];
    if (place === undefined || lines === undefined || changesNothing(block)) {
      continue; // where several places would do, nothing is changed at either
    }
    const made = becomes(block, place);
    if (made === undefined) {
      return refused(
        `Block ${String(index + 1)}: how deep its new lines are indented in the file is not certain.`,
      );
    }
    changes.push({ change: { lines, becomes: made }, index });
  }
  changes.sort((a, b) => a.change.lines.start - b.change.lines.start || a.index - b.index);
  const apart: LineChange[] = [];
  for (const [at, { change, index }] of changes.entries()) {
    const before = changes[at - 1];
    if (before !== undefined && change.lines.start < before.change.lines.end) {
      const [one, other] = [blocks[before.index], blocks[index]];
      if (
        one !== undefined &&
        other !== undefined &&
        isSame(one.search, other.search) &&
        isSame(one.replacement, other.replacement) &&
        change.lines.start === before.change.lines.start
      ) {
        continue;
      }
      const [low, high] = [before.index, index].sort((a, b) => a - b) as [number, number];
      return refused(
        `The blocks ${String(low + 1)} and ${String(high + 1)} both replace ${named({ start: change.lines.start, end: Math.min(change.lines.end, before.change.lines.end) })}.`,
      );
    }
    apart.push(change);
  }
  return { edits: file.edits(apart), problem: '', places: placed };
}

/** A place for each block, or a sentence. */
function choose(
  blocks: readonly Block[],
  candidates: readonly (readonly Place[])[],
  inOrder: boolean,
): readonly Place[] | string {
  const several = candidates.findIndex(
    (places, index) => places.length > 1 && !changesNothing(blocks[index] as Block),
  );
  if (several < 0) {
    return candidates.map((places) => places[0] as Place);
  }
  const ordered = inOrder
    ? onlyInOrder(
        candidates,
        blocks.map(({ search }) => search.length),
      )
    : undefined;
  return (
    ordered ??
    `Block ${String(several + 1)}: the lines that it replaces stand at several places, in lines ${listed((candidates[several] ?? []).map(({ start }) => start))}.`
  );
}

/**
 * The lines of a range become `lines`; what is the same in both is left alone. A file that had no line gets a final line end, any other keeps what it had.
 * Lines that are all indented with spaces come with tabs where the file has only tabs, and the other way round.
 */
export function lineChanges(text: string, range: LineRange, lines: readonly string[]): Changes {
  const file = new FileLines(text);
  const inside = file.clamped(range);
  const first = text.startsWith('\ufeff') && inside.start === 0 ? lines[0]?.replace(/^\ufeff/, '') : lines[0];
  const clean = first === undefined ? lines : [first, ...lines.slice(1)];
  const change = { lines: inside, becomes: asAround(clean, file.lines) };
  return { edits: file.edits([change]), problem: '', places: [inside] };
}
