/** Tests of a part of a file: where they go, what the model is shown for them, and what becomes of their file. */
import { posix } from 'node:path';
import type { EditRequest, LineRange, TextEdits } from '#protocol';
import type { ChatFormat } from '../conversation';
import { EngineError } from '../engine';
import type { LoadedModel } from '../models';
import type { Syntax } from '../syntax';
import type { ChosenFiles } from '../workspace';
import { answerLines, lineChanges, withOneLineEnd } from './core';
import { lookAtPlaces } from './files/places';
import { listWorkspace, prefixesOf } from './files/listing';
import { fenceFor, rewriteGrammar } from './forms';
import type { DocumentLines } from './lines';
import { closingTokens, type EditPlan } from './plan';
import { testMessages, windows } from './prompt';
import { importEdits } from './testImports';
import { testPlaceOf } from './testPlace';

export interface TestTarget {
  readonly uri: string;
  /** As the model is shown it. */
  readonly path: string;
  /** How the tested file is called from there, without its extension. */
  readonly specifier: string;
  /** Of the tested file, with its dot. */
  readonly extension: string;
  /** Its text; undefined = it is to be made. */
  readonly text: string | undefined;
  readonly example: { readonly path: string; readonly text: string };
}

function refuse(problem: string): EngineError {
  return new EngineError('invalid_argument', problem);
}

/** Rejects with a sentence where there is no place for tests in the workspace. */
export async function testTarget(
  files: ChosenFiles,
  folders: readonly string[],
  uri: string,
): Promise<TestTarget> {
  const prefixes = prefixesOf(folders, files);
  const own = files.pathOf(uri);
  const place = prefixes
    .filter((each) => uri.startsWith(`${each.uri}/`))
    .sort((a, b) => b.uri.length - a.uri.length)[0];
  if (place === undefined) {
    throw refuse('Tests go into the workspace, and this file is not in it. Open its folder.');
  }
  const { prefix } = place;
  const { paths } = await listWorkspace([place], files);
  const found = testPlaceOf(
    own.slice(prefix.length),
    paths.map((path) => path.slice(prefix.length)),
  );
  if (found === undefined) {
    throw refuse(
      'For this file there are no tests to be written: it is one of tests, or of no language that has them.',
    );
  }
  const [target] = await lookAtPlaces([prefix + found.path], folders, (root, path) =>
    files.hides(root, path),
  );
  if (target?.problem !== '') {
    throw refuse(target?.problem ?? 'There is no place for the tests.');
  }
  // The editor will open it with one kind of line end, and edits count in that text.
  const read = async (path: string): Promise<string | undefined> => {
    const text = await files.readBelow(place.uri, path);
    return text === undefined ? undefined : withOneLineEnd(text);
  };
  const text = target.exists ? await read(found.path) : undefined;
  if (target.exists && text === undefined) {
    throw refuse(`${target.path}, where the tests belong, cannot be read as text.`);
  }
  const shown = found.example === '' || found.example === found.path ? undefined : await read(found.example);
  const extension = posix.extname(own);
  const named = posix.relative(posix.dirname(found.path), own.slice(prefix.length));
  const below = named.slice(0, named.length - extension.length);
  return {
    ...{ uri: target.uri, path: target.path, text },
    specifier: below.startsWith('.') ? below : `./${below}`,
    extension,
    example: { path: shown === undefined ? '' : prefix + found.example, text: shown ?? '' },
  };
}

const mostTokens = 2_048;
const fewestTokens = 384;
/** UTF-16 units of other files that are shown: as many as fit, of these. */
const shares = [8_000, 3_000, 1_000, 0];

function cutAtLine(text: string, most: number, from: 'start' | 'end'): string {
  if (text.length <= most) {
    return text;
  }
  return from === 'start'
    ? text.slice(0, Math.max(0, text.lastIndexOf('\n', most)))
    : text.slice(text.indexOf('\n', text.length - most) + 1);
}

export interface TestsRequest {
  readonly model: Pick<LoadedModel, 'kv'>;
  readonly format: ChatFormat;
  readonly path: string;
  readonly languageId: string;
  readonly lines: DocumentLines;
  readonly range: LineRange;
  readonly asked: Pick<EditRequest.Params, 'task' | 'instruction' | 'problems' | 'tried'>;
  readonly target: TestTarget;
}

/** As much of the file, and then of others, as there is room for. Rejects with a sentence where not even the range fits. */
export async function planTests(request: TestsRequest): Promise<EditPlan> {
  const { model, format, path, languageId, lines, range, asked, target } = request;
  const { context } = model.kv;
  const fence = fenceFor();
  for (const most of shares) {
    for (const shown of windows(lines, range)) {
      const messages = testMessages({
        ...{ path, languageId, lines, range, shown, ...asked },
        ...{ testPath: target.path, specifier: target.specifier },
        existing: target.text === undefined ? undefined : cutAtLine(target.text, Math.max(most, 400), 'end'),
        example: { path: target.example.path, text: cutAtLine(target.example.text, most, 'start') },
      });
      const opening = `${fence}${languageId}\n`;
      const tokens = await format.render(messages, {
        thinking: false,
        begun: { thinking: '', text: opening },
      });
      const room = context - tokens.length;
      if (room >= fewestTokens) {
        return {
          ...{ form: 'rewrite', fence, tokens, maxTokens: Math.min(mostTokens, room), expected: [] },
          ...{ grammar: rewriteGrammar(fence), closing: closingTokens.rewrite, likely: mostTokens / 4 },
        };
      }
    }
  }
  throw new EngineError(
    'context_overflow',
    `The selected lines do not fit into the model's context of ${context.toLocaleString('en-US')} tokens. Select fewer.`,
  );
}

/** What is tested. */
export interface TestedText {
  readonly text: string;
  readonly languageId: string;
}

/** `said`: all that stands in the answer's fence. A new file gets the line ends of the text that is tested. */
export async function testEdits(
  said: string,
  { text, path, specifier, extension }: TestTarget,
  source: TestedText,
  syntax: Pick<Syntax, 'moduleOf'>,
): Promise<TextEdits> {
  const written = answerLines(said);
  if (written.every((line) => line.trim() === '')) {
    return [];
  }
  if (text === undefined) {
    const end = source.text.includes('\r\n') ? '\r\n' : '\n';
    return [{ start: 0, end: 0, text: written.map((line) => line + end).join('') }];
  }
  const count = Number.MAX_SAFE_INTEGER; // behind the last line, wherever that is
  const isApart = /(?:^|\n)[ \t]*\r?\n$/.test(text) || text === '' || written[0]?.trim() === '';
  const added = lineChanges(text, { start: count, end: count }, isApart ? written : ['', ...written]).edits;
  const imported = await importEdits(syntax, {
    ...{ test: text, path, said: written.join('\n'), source: source.text },
    ...{ languageId: source.languageId, specifier, extension },
  });
  const isBefore = imported.every(({ end }) => added.every(({ start }) => end < start));
  return isBefore ? [...imported, ...added] : added;
}
