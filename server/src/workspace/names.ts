/**
 * Which names near the cursor are worth asking for: those whose definitions are likely to lie in other files. Told by the text alone,
 * for whatever language.
 */
import type { LineBlock } from './part';
import { isCommonWord } from './text/identifiers';

/** From 0; characters are UTF-16 units. */
export interface TextPosition {
  readonly line: number;
  readonly character: number;
}

export interface AskedName extends TextPosition {
  readonly name: string;
  /** What stands there: a name, or what an import names (a path, a module). */
  readonly kind: 'name' | 'module';
}

const mostNames = 12;
const mostModules = 8;
/** Lines. Imports stand at a file's head. */
const mostHeadLines = 400;

const name = /[\p{L}_$][\p{L}\p{N}_$]{2,79}/gu;
const importStart =
  /^\s*(?:import\b|from\s+\S+\s+import\b|export\s.*\bfrom\b|#\s*(?:include|import)\b|(?:pub\s+)?use\s|using\s|(?:local|const|let|var)\s.*\brequire\b|require\b)/;
/** In quotes, or in the angle brackets of an #include. */
const quoted = /(["'])([^"'\n]+)\1|<([\w./-]+)>/;
const openBracket = /[{(][^})]*$/;

interface ImportStatement {
  readonly names: ReadonlySet<string>;
  /** Where what it names stands, if it stands in quotes. */
  readonly module: AskedName | undefined;
  readonly lines: LineBlock;
}

/** The statements at a file's head that import something. */
export function importsOf(lines: readonly string[]): readonly ImportStatement[] {
  const found: ImportStatement[] = [];
  for (let i = 0; i < Math.min(lines.length, mostHeadLines); i += 1) {
    if (!importStart.test(lines[i] as string)) {
      continue;
    }
    const start = i;
    // A list of names may go over several lines.
    while (openBracket.test(lines.slice(start, i + 1).join(' ')) && i + 1 < lines.length && i - start < 60) {
      i += 1;
    }
    const statement = lines.slice(start, i + 1);
    const names = new Set<string>();
    let module: AskedName | undefined;
    statement.forEach((line, offset) => {
      const match = quoted.exec(line);
      if (match !== null) {
        const text = match[2] ?? match[3] ?? '';
        module = { name: text, kind: 'module', line: start + offset, character: match.index + 1 };
      }
      for (const [word] of line.replace(quoted, '').matchAll(name)) {
        if (!isCommonWord(word)) {
          names.add(word);
        }
      }
    });
    found.push({ names, module, lines: { startLine: start, endLine: i + 1 } });
  }
  return found;
}

/** Names in a line with their places, strings and comments left out as far as one line tells. */
function namesIn(
  line: string,
): { readonly word: string; readonly character: number; readonly used: boolean }[] {
  const bare = line
    .replace(/(["'`])(?:\\.|(?!\1)[^\\])*\1/g, (text) => ' '.repeat(text.length))
    .replace(/(?:\/\/|#(?!\s*include)).*$/, (text) => ' '.repeat(text.length));
  return [...bare.matchAll(name)]
    .filter(([word]) => !isCommonWord(word))
    .map(({ 0: word, index }) => ({
      word,
      character: index,
      // A call, a member's owner, a type: what tends to be defined somewhere else.
      used: /^\s*(?:[(.<[{]|::|->)/.test(bare.slice(index + word.length)) || /^\p{Lu}/u.test(word),
    }));
}

/**
 * What to ask the language's own tools for: imported names that the cursor's region uses, and other names that look as if they
 * were defined elsewhere, the nearest to the cursor first, each where it stands; then the modules whose names the region uses.
 */
export function namesToAsk(
  lines: readonly string[],
  region: LineBlock,
  cursorLine: number,
): readonly AskedName[] {
  const imports = importsOf(lines);
  const imported = new Set(imports.flatMap(({ names }) => [...names]));
  const inImports = (line: number): boolean =>
    imports.some(({ lines: { startLine, endLine } }) => line >= startLine && line < endLine);
  const nearest = new Map<string, AskedName & { readonly distance: number }>();
  for (let line = region.startLine; line < Math.min(region.endLine, lines.length); line += 1) {
    if (inImports(line)) {
      continue;
    }
    for (const { word, character, used } of namesIn(lines[line] as string)) {
      if (!used && !imported.has(word)) {
        continue;
      }
      // What is imported is defined elsewhere for sure.
      const distance = Math.abs(line - cursorLine) - (imported.has(word) ? 1_000 : 0);
      const known = nearest.get(word);
      if (known === undefined || distance < known.distance) {
        nearest.set(word, { name: word, kind: 'name', line, character, distance });
      }
    }
  }
  const names = [...nearest.values()].sort((a, b) => a.distance - b.distance).slice(0, mostNames);
  const modules = imports
    .filter(({ names: own }) => own.size === 0 || [...own].some((word) => nearest.has(word)))
    .flatMap(({ module }) => (module === undefined ? [] : [module]))
    .slice(0, mostModules);
  return [...names, ...modules];
}
