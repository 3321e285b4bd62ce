/** What a model is asked for the text of one file, and the only form in which it can answer: one code block. Pure. */
import type { PlannedFile } from '#protocol';
import {
  characters,
  choice,
  optional,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Grammar,
} from '../../grammar/grammar';
import { extensionOf, type Neighbour } from './listing';

/** In a language's own texts a line of three may stand; then the block has more of them. */
const shortFence = 3;
const longFence = 5;

function fenceOf(path: string): string {
  return '`'.repeat(/^(?:md|mdx|markdown|rst|adoc|txt)$/.test(extensionOf(path)) ? longFence : shortFence);
}

/** What the answer begins with. */
export function openingOf(path: string): string {
  return `${fenceOf(path)}${extensionOf(path).replace(/[^\w+-]/g, '')}\n`;
}

/**
 * A code block with whole lines in it, and nothing around it. No line begins as the block's end does, and no control characters but tabs are in
 * it: what is shown is all that there is.
 */
export function fileGrammar(path: string): Grammar {
  const fence = fenceOf(path);
  const signs = characters(
    '\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff',
    true,
  );
  const first = characters(
    '\u0000-\u0008\u000a-\u001f\u007f`\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff',
    true,
  );
  // Up to one sign of a fence less than a fence, and then anything else.
  const begins: Expression[] = Array.from({ length: fence.length }, (_, i) =>
    sequence(text('`'.repeat(i)), optional(sequence(first, repeat(signs, 0)))),
  );
  return {
    root: 'root',
    rules: {
      line: sequence(choice(...begins), text('\n')),
      root: sequence(text(openingOf(path)), repeat(rule('line'), 1), text(fence)),
    },
  };
}

/** The text in a block that may not be whole yet; never the beginning of its end. */
export function textIn(path: string, said: string): string {
  const opening = openingOf(path);
  if (!said.startsWith(opening)) {
    return '';
  }
  const body = said.slice(opening.length);
  const end = body.endsWith(`\n${fenceOf(path)}`) ? body.length - fenceOf(path).length : body.length;
  return body.slice(0, end).replace(/\n`*$/, '\n');
}

export const fileSystem =
  'You write one file of a software project at a time. Answer with one code block that holds the whole text of the file, and nothing else. The text is complete: no placeholders, ' +
  'no "rest of the code", nothing left to do. Write it as the files of the project are written; use what the files before it export, by the paths that they have.';

export interface FileQuestion {
  readonly request: string;
  /** What the user wants the model to see; '' = nothing. */
  readonly attached: string;
  readonly plan: readonly PlannedFile[];
  readonly file: PlannedFile;
  readonly written: readonly Neighbour[];
  readonly examples: readonly Neighbour[];
  /** What the file says now; undefined = there is none. */
  readonly present: string | undefined;
}

function block({ path, text: shown }: Neighbour): string {
  const ticks = '`'.repeat(
    Math.max(shortFence, ...(shown.match(/`{3,}/g) ?? []).map((run) => run.length + 1)),
  );
  return `${path}\n${ticks}${extensionOf(path).replace(/[^\w+-]/g, '')}\n${shown.replace(/\r\n?/g, '\n').replace(/\n?$/, '\n')}${ticks}`;
}

const listed = (plan: readonly PlannedFile[]): string =>
  plan.map(({ path, purpose }) => `- ${path}${purpose === '' ? '' : `: ${purpose}`}`).join('\n');

/** What changes from file to file comes last: the rest is read once. */
export function fileQuestion({
  request,
  attached,
  plan,
  file,
  written,
  examples,
  present,
}: FileQuestion): string {
  return [
    ...(attached === '' ? [] : [attached.trimEnd()]),
    `What is wanted:\n${request.trim()}`,
    ...(plan.length < 2 ? [] : [`The plan:\n${listed(plan)}`]),
    ...written.map((one) => `Written already: ${block(one)}`),
    ...examples.map((one) => `A file of the project, for its style: ${block(one)}`),
    ...(present === undefined
      ? []
      : [
          `The file is there already; write it anew, with all of it that is to stay: ${block({ path: file.path, text: present })}`,
        ]),
    `Write ${file.path}${file.purpose === '' ? '' : ` (${file.purpose})`}.`,
  ].join('\n\n');
}

/** Lines of an outline. */
const mostOutline = 40;

/** What a text declares: its lines without indentation, closing brackets and comments left out. */
export function outlineOf(source: string): string {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const top = lines.filter((line) => /^[^\s})\]#*/]/.test(line) && !/^(?:"""|''')/.test(line));
  return top.slice(0, mostOutline).join('\n');
}

/** `room`: 1 = whole, less: the shares of an example and of what was written that are shown. */
export function cutTo(neighbours: readonly Neighbour[], characters: number): readonly Neighbour[] {
  let left = characters;
  const shown: Neighbour[] = [];
  // What was written last is most likely to be used.
  for (const one of [...neighbours].reverse()) {
    const shorter = one.text.length <= left ? one.text : outlineOf(one.text);
    if (shorter.length <= left && shorter !== '') {
      shown.unshift({ ...one, text: shorter });
      left -= shorter.length;
    }
  }
  return shown;
}
