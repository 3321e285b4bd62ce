/** From what the model said to edits of the document, also while it is still being said. Pure. */
import type { LineRange, TextEdits } from '#protocol';
import { atIndentOf, withoutRepeated } from './answerText';
import { answerLines, blockChanges, lineChanges, parseBlocks } from './core';
import type { EditForm } from './forms';
import { isBlank, type DocumentLines } from './lines';

export interface Answered {
  readonly lines: DocumentLines;
  readonly range: LineRange;
  readonly form: EditForm;
}

export interface AnswerEdits {
  readonly edits: TextEdits;
  /** A sentence; '' = there is none. */
  readonly problem: string;
}

/** Lines around the range that a model may say again. */
const around = 12;

/** The range as a rewrite has it, where it stands. */
function rewritten(said: string, { lines, range }: Answered): readonly string[] {
  const original = lines.lines(range);
  const surroundings = {
    original,
    before: lines.lines({ start: Math.max(0, range.start - around), end: range.start }),
    after: lines.lines({ start: range.end, end: Math.min(lines.count, range.end + around) }),
  };
  return atIndentOf(withoutRepeated(answerLines(said), surroundings), original);
}

/** `said`: all that stands in the answer's fence. */
export function editsOf(said: string, answered: Answered): AnswerEdits {
  const { lines, range, form } = answered;
  if (form === 'rewrite') {
    return lineChanges(lines.text, range, rewritten(said, answered));
  }
  if (said.trim() === '') {
    return { edits: [], problem: '' }; // the model would change nothing
  }
  const { blocks, problem } = parseBlocks(said, true);
  return problem === '' ? blockChanges(lines.text, range, blocks, { inOrder: true }) : { edits: [], problem };
}

/** Lines of the range among which one that was said is looked for. */
const ahead = 30;

/**
 * What is certain while it is being said: finished blocks; of a rewrite what has come before a line that stayed. What follows may make the last of
 * these edits smaller, and replaces all of them in the end.
 */
export function certainEdits(said: string, answered: Answered): TextEdits {
  const { lines, range, form } = answered;
  const finished = said.slice(0, said.lastIndexOf('\n') + 1);
  if (form === 'blocks') {
    const { blocks } = parseBlocks(finished, false);
    return blocks.length === 0 ? [] : blockChanges(lines.text, range, blocks, { inOrder: true }).edits;
  }
  const now = rewritten(finished, answered);
  const stayed = lastThatStayed(now, lines.lines(range));
  if (stayed === undefined) {
    return [];
  }
  const until = { start: range.start, end: range.start + stayed.old + 1 };
  return lineChanges(lines.text, until, now.slice(0, stayed.said + 1)).edits;
}

/** The last line that is as it was, by its number in what was said and in the range: what comes before it is decided. */
function lastThatStayed(
  said: readonly string[],
  original: readonly string[],
): { readonly said: number; readonly old: number } | undefined {
  let last: { readonly said: number; readonly old: number } | undefined;
  let next = 0;
  said.forEach((line, i) => {
    const near = original.slice(next, next + ahead);
    const found = near.indexOf(line);
    // A line that is there several times, or says nothing, may be another one of them.
    const isSure = found === 0 || (found > 0 && !isBlank(line) && !near.includes(line, found + 1));
    if (isSure) {
      last = { said: i, old: next + found };
      next += found + 1;
    }
  });
  return last;
}
