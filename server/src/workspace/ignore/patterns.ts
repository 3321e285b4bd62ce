/** Patterns of ignore files in nested folders, and globs of VS Code's settings, as patterns of one ignore file at the root. */

/** Characters. A longer line is no pattern that anybody wrote for people. */
const longestPattern = 512;
const mostPatterns = 5_000;
/** More wild cards in one name make its regular expression take for ever; see `tame`. */
const mostWildcards = 3;

/** A name as a pattern that stands for nothing but it. */
function literal(name: string): string {
  return name.replace(/[\\*?[\]!# ]/g, '\\$&');
}

/**
 * The pattern without what would make matching slow: a name in it with many `*` ends at the last one that is allowed, and so stands
 * for more. A negated pattern must not stand for more: undefined.
 */
function tame(pattern: string, negated: boolean): string | undefined {
  const names = pattern.split('/');
  const parts = names.map((part) => {
    const stars = [...part.matchAll(/\\.|\*+/g)].filter(([text]) => text.startsWith('*'));
    const last = part === '**' ? undefined : stars[mostWildcards];
    return last === undefined ? part : `${part.slice(0, last.index)}*`;
  });
  const tamed = parts.some((part, i) => part !== names[i]);
  const deep = parts.filter((part) => part === '**').length > mostWildcards;
  if (negated && (tamed || deep)) {
    return undefined;
  }
  // Of a pattern with many `**` what stands before the second is enough, and stands for more.
  return deep ? parts.slice(0, parts.indexOf('**', parts.indexOf('**') + 1) + 1).join('/') : parts.join('/');
}

/** One line of an ignore file in `folder` ('' = the root, else 'a/b'); undefined when it says nothing. */
function rebased(line: string, folder: string): string | undefined {
  // Spaces at the end count only behind a backslash.
  const trimmed = line.replace(/(?<!\\)[ \t]+$/, '');
  if (trimmed === '' || trimmed.startsWith('#') || trimmed.length > longestPattern) {
    return undefined;
  }
  const negated = trimmed.startsWith('!');
  const pattern = tame(negated ? trimmed.slice(1) : trimmed, negated);
  if (pattern === undefined || pattern === '' || pattern === '/') {
    return undefined;
  }
  const sign = negated ? '!' : '';
  if (folder === '') {
    return `${sign}${pattern}`;
  }
  const base = `/${folder.split('/').map(literal).join('/')}/`;
  // Without a slash before its end a pattern holds at every depth.
  const anchored = pattern.slice(0, -1).includes('/');
  return `${sign}${base}${anchored ? pattern.replace(/^\//, '') : `**/${pattern}`}`;
}

/** Whether a line names files, and is longer than we match. */
function isTooLong(line: string): boolean {
  return line.length > longestPattern && !/^[#!]/.test(line) && line.trim().length > longestPattern;
}

/** The patterns of an ignore file's text. Where it has more, or longer ones, than we match, all in its folder is left out. */
export function ignorePatterns(text: string, folder: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const beyond = lines.length > mostPatterns || lines.some(isTooLong);
  return [...lines.slice(0, mostPatterns), ...(beyond ? ['*'] : [])]
    .map((line) => rebased(line, folder))
    .filter((pattern) => pattern !== undefined);
}

const mostAlternatives = 64;

/** The alternatives that a glob with {a,b} stands for. Where there are too many, `*` stands for all of a choice. */
function alternatives(glob: string): readonly string[] {
  const braces = /\{([^{}]*)\}/;
  let found: readonly string[] = [glob];
  while (found.some((pattern) => braces.test(pattern))) {
    const each = found.flatMap((pattern) => {
      const match = braces.exec(pattern);
      const choices = match?.[1]?.split(',') ?? [''];
      return match === null ? [pattern] : choices.map((choice) => pattern.replace(braces, () => choice));
    });
    found = each.length <= mostAlternatives ? each : found.map((pattern) => pattern.replace(braces, '*'));
  }
  return found;
}

/** A glob as in VS Code's `files.exclude`, which holds for the path from the folder on, as patterns of an ignore file. */
export function globPatterns(glob: string): string[] {
  if (glob.trim() === '' || glob.length > longestPattern) {
    return [];
  }
  return alternatives(glob)
    .map((pattern) => tame(pattern.replace(/^\/+/, '').replace(/\/+$/, ''), false) ?? '')
    .filter((pattern) => pattern !== '')
    .map((pattern) => `/${pattern}`);
}
