/**
 * What the model is shown for an edit: the file first, which is the same from edit to edit, then which lines and what is to become of them.
 * Pure. What was written by others stands in fences longer than any in it; that none of it becomes a control token is ChatFormat's.
 */
import type { EditProblem, EditTask, LineRange } from '#protocol';
import type { PromptMessage } from '../conversation';
import { divider, fenceFor, replaceMark, searchMark, type EditForm } from './forms';
import { languageName, problemList, taskText } from './instructions';
import type { DocumentLines } from './lines';

export interface EditPrompt {
  readonly path: string;
  readonly languageId: string;
  readonly lines: DocumentLines;
  /** What may be changed. */
  readonly range: LineRange;
  readonly task: EditTask;
  readonly instruction: string;
  readonly problems: readonly EditProblem[];
  readonly tried: string;
  readonly form: EditForm;
  /** Lines of the file that are shown. */
  readonly shown: LineRange;
}

const system = [
  'You edit code in an editor. You are shown a file and asked to change a part of it. You do exactly what is asked and nothing else: names, indentation, comments and style stay as they are ' +
    'in the file, and code that has nothing to do with the request stays as it is, to the letter.',
  'You answer with one code block and nothing else: no explanation before it or after it, no remarks in the code about what you have changed, and nothing left out: never write "…" or ' +
    '"unchanged" in the place of code. The code must be complete and correct: brackets match, names that are used exist, what is imported is used.',
].join('\n\n');

/** A text in a fence of its own. */
export function fenced(text: string, languageId: string): string {
  const fence = fenceFor(text);
  return `${fence}${languageId}\n${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${fence}`;
}

function shownFile({ path, languageId, lines, shown }: EditPrompt): string {
  const isWhole = shown.start === 0 && shown.end >= lines.count;
  const what = isWhole ? `The file \`${path}\`` : `A part of the file \`${path}\``;
  return `${what} (${languageName(languageId)}):\n\n${fenced(lines.lines(shown).join('\n'), languageId)}`;
}

function blocksForm({ lines, range }: EditPrompt): string {
  const [first, last] = [lines.line(range.start).trim(), lines.line(range.end - 1).trim()];
  const where =
    range.start === 0 && range.end >= lines.count
      ? 'the file'
      : `the part from the line \`${first}\` to the line \`${last}\``;
  return [
    `Change ${where} by blocks of this form, as many as are needed, in the order of the file:`,
    `${searchMark}\n(lines of the file as they are, just enough to find them)\n${divider}\n(what stands there afterwards; nothing, to remove them)\n${replaceMark}`,
    'All blocks go into one code block. Lines that no block names stay as they are. If nothing has to change, the code block is empty.',
  ].join('\n\n');
}

function rewriteForm({ lines, range, languageId }: EditPrompt): string {
  const part = lines.lines(range);
  if (part.every((line) => line.trim() === '')) {
    const before = lines.lines({ start: Math.max(0, range.start - 3), end: range.start }).join('\n');
    const place = before.trim() === '' ? 'at the beginning of the file' : 'right behind these lines';
    return [
      `New code is to be written ${place}${before.trim() === '' ? '.' : ':'}`,
      ...(before.trim() === '' ? [] : [fenced(before, languageId)]),
      'Answer with the new code alone, in one code block.',
    ].join('\n\n');
  }
  return [
    'This part of the file is to be changed:',
    fenced(part.join('\n'), languageId),
    'Answer with this part as it shall be, in one code block: every line of it, those that stay as well, and none of the lines before or after it.',
  ].join('\n\n');
}

function problemsText(prompt: EditPrompt): string {
  const { problems, tried, lines, range, languageId } = prompt;
  const triedLines = tried.split(/\r\n|\r|\n/);
  const lineOf = (line: number): string | undefined =>
    tried === '' ? lines.line(line) : triedLines[line - range.start];
  const list = problemList(problems, lineOf);
  if (tried === '') {
    return list === '' ? '' : `What is wrong there:\n${list}`;
  }
  const wrong = list === '' ? 'It was not what was asked for.' : `It makes these errors:\n${list}`;
  return `An earlier answer would have made this of it:\n\n${fenced(tried, languageId)}\n\n${wrong}\nDo it again, without them.`;
}

/** The whole prompt; the answer begins in an open fence. */
export function editMessages(prompt: EditPrompt): readonly PromptMessage[] {
  const { task, languageId, instruction, form } = prompt;
  const parts = [
    shownFile(prompt),
    form === 'blocks' ? blocksForm(prompt) : rewriteForm(prompt),
    problemsText(prompt),
    `What is asked: ${taskText(task, languageId, instruction)}`,
  ];
  return [
    { role: 'system', content: system },
    { role: 'user', content: parts.filter((part) => part !== '').join('\n\n') },
  ];
}

export interface TestsPrompt extends Omit<EditPrompt, 'form'> {
  readonly testPath: string;
  /** From the tests' folder to the file, without its extension. */
  readonly specifier: string;
  /** The file of tests, as it is; undefined = it is to be made. */
  readonly existing: string | undefined;
  /** Another file of tests of the project: how they are written here; path '' = there is none. */
  readonly example: { readonly path: string; readonly text: string };
}

/** For tests of the range, in a file of their own; the answer begins in an open fence. */
export function testMessages(prompt: TestsPrompt): readonly PromptMessage[] {
  const { languageId, lines, range, testPath, specifier, existing, example } = prompt;
  const isWhole = range.start === 0 && range.end >= lines.count;
  const parts = [
    shownFile({ ...prompt, form: 'rewrite' }),
    example.text === ''
      ? ''
      : `Tests of this project are written like these, in \`${example.path}\`:\n\n${fenced(example.text, languageId)}`,
    existing === undefined
      ? `Tests are to be written into the new file \`${testPath}\`; from there the file is \`${specifier}\`.`
      : `Tests of the file stand in \`${testPath}\`, which ends like this:\n\n${fenced(existing, languageId)}`,
    isWhole
      ? ''
      : `This part of the file is to be tested:\n\n${fenced(lines.lines(range).join('\n'), languageId)}`,
    `What is asked: ${taskText('tests', languageId, prompt.instruction)}`,
    existing === undefined
      ? 'Answer with the whole new file, in one code block: what it imports, and the tests.'
      : 'Answer with the tests that are to be added at the end of that file, in one code block: none of those that are there, and nothing imported again.',
  ];
  return [
    { role: 'system', content: system },
    { role: 'user', content: parts.filter((part) => part !== '').join('\n\n') },
  ];
}

/** Lines to which what is shown of a long file begins and ends, so that edits near each other are shown the same. */
const step = 64;

/** Parts of a file around the range, the larger ones first, down to the range alone. */
export function* windows(lines: DocumentLines, range: LineRange): Iterable<LineRange> {
  yield { start: 0, end: lines.count };
  for (let around = 1024; around >= step; around /= 2) {
    const start = Math.max(0, Math.floor((range.start - around) / step) * step);
    const end = Math.min(lines.count, Math.ceil((range.end + around) / step) * step);
    if (start > 0 || end < lines.count) {
      yield { start, end };
    }
  }
  yield { start: Math.max(0, range.start - 8), end: Math.min(lines.count, range.end + 8) };
  yield range;
}
