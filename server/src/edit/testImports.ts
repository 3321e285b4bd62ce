/**
 * What tests that are added to a file use of the file they test, and their file does not import yet. For ECMAScript modules, whose imports say so in
 * one form. What is in doubt is left alone: a missing import is seen and mended, one too many is an error that nobody made.
 */
import { posix } from 'node:path';
import type { TextEdit, TextEdits } from '#protocol';
import type { Syntax } from '../syntax';

export interface AddedTests {
  /** The file of tests as it is. */
  readonly test: string;
  readonly path: string;
  /** Lines to be added at its end. */
  readonly said: string;
  /** The file that is tested, and its language: tests are of the same family. */
  readonly source: string;
  readonly languageId: string;
  /** How that is called from the tests, without its extension. */
  readonly specifier: string;
  /** With its dot. */
  readonly extension: string;
}

const scriptExtension = /\.[cm]?[jt]sx?$/;
/** What TypeScript compiles to, which is what modules name. */
const compiled = (suffix: string): string => suffix.replace(/tsx?$/, 'js');

/** Edits of the file of tests; none where it is no module, or nothing is missing. */
export async function importEdits(
  syntax: Pick<Syntax, 'moduleOf'>,
  { test, path, said, source, languageId, specifier, extension }: AddedTests,
): Promise<TextEdits> {
  const [there, added, tested] = await Promise.all([
    syntax.moduleOf(test, languageId),
    syntax.moduleOf(said, languageId),
    syntax.moduleOf(source, languageId),
  ]);
  const last = there?.imports.at(-1);
  if (there === undefined || added === undefined || tested === undefined || last === undefined) {
    return [];
  }
  const exported = new Map<string, boolean>();
  for (const { name, isType } of tested.exports) {
    exported.set(name, isType && exported.get(name) !== false); // one name of both kinds is imported as a value
  }
  const isTyped = /\.[cm]?tsx?$/.test(path);
  const names = [...exported]
    .filter(([name, isType]) => added.used.has(name) && (isTyped || !isType))
    .filter(([name]) => ![there.used, there.declared, added.declared].some((known) => known.has(name)))
    .map(([name, isType]) => (isType ? `type ${name}` : name));
  if (names.length === 0) {
    return [];
  }
  const lineEnd = test.includes('\r\n') ? '\r\n' : '\n';
  const own = there.imports.find(
    ({ from, names: list }) => list !== undefined && from.replace(scriptExtension, '') === specifier,
  );
  if (own?.names !== undefined) {
    const { end, isListed, indent } = own.names;
    return [insertion(end, names.map((name) => `,${isListed ? lineEnd + indent : ' '}${name}`).join(''))];
  }
  // Where others name files with their extensions, so does this one.
  const relative = there.imports.map(({ from }) =>
    from.startsWith('.') ? scriptExtension.exec(from)?.[0] : undefined,
  );
  const named = relative.find((each) => each !== undefined);
  const ending =
    named === undefined && posix.extname(path) !== '.mjs'
      ? ''
      : (named ?? '').includes('ts')
        ? extension
        : compiled(extension);
  const from = `${last.quote}${specifier}${ending}${last.quote}${last.hasSemicolon ? ';' : ''}`;
  return [insertion(endOfLine(test, last.end), `${lineEnd}import { ${names.join(', ')} } from ${from}`)];
}

const insertion = (at: number, text: string): TextEdit => ({ start: at, end: at, text });

/** Behind a comment that stands behind the statement; what else does stays behind what is inserted. */
function endOfLine(text: string, from: number): number {
  const lineEnd = text.indexOf('\n', from);
  const rest = text.slice(from, lineEnd < 0 ? text.length : lineEnd).trimEnd();
  return rest === '' || rest.trimStart().startsWith('//') ? from + rest.length : from;
}
