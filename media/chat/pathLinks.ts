/** Paths in a text that may be files of the workspace. Whether there is such a file, and whether it may be opened, the extension host finds out. */

export interface PathLink {
  /** UTF-16 units in the text. */
  readonly start: number;
  readonly end: number;
  /** As it stands there, lines included: `src/a.ts:12-20`. */
  readonly target: string;
}

/** Endings of names that are files also where no folder stands before them, and no line behind them. */
const knownEndings = new Set(
  (
    'ts tsx mts cts js jsx mjs cjs json jsonc md py pyi rb rs go java kt swift c h cc cpp hpp cs fs php sh bash zsh ps1 sql html css scss less vue svelte xml ' +
    'yml yaml toml ini cfg gradle cmake txt lock proto lua dart scala hs ex exs erl clj m mm r jl ipynb'
  ).split(' '),
);

const longestPath = 400;

// Folders, a name with an ending, and perhaps lines: ":12", ":12:5", ":12-20", "#L12", "#L12-L20".
const pattern =
  /(?<![\w@:/\\.~$%&=+-])(?![([])((?:\.{1,2}[/\\]|[/\\])?(?:[\w@.+$()[\]-]+[/\\])*[\w@.+$[\]-]*\w\.[A-Za-z][A-Za-z0-9]{0,9})(:\d{1,7}(?:[:-]\d{1,7})?|#L\d{1,7}(?:-L?\d{1,7})?)?(?![\w/\\])/g;

function isPath(path: string, lines: string, inCode: boolean): boolean {
  if (path.length > longestPath || /^\d+(\.\d+)+$/.test(path)) {
    return false;
  }
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  if (lines !== '' || /[/\\]/.test(path.replace(/^\.{1,2}[/\\]/, ''))) {
    return true;
  }
  return inCode && knownEndings.has(ending);
}

/** `inCode`: the text stands in an inline code span, where people and models put names of files. */
export function findPaths(text: string, inCode: boolean): PathLink[] {
  if (!text.includes('.') || text.length > 100_000) {
    return [];
  }
  return [...text.matchAll(pattern)].flatMap((match) => {
    const [whole, path = '', lines = ''] = match;
    const webAddress = /\b[a-z][a-z0-9+.-]*:\/*[^\s]*$/i.test(
      text.slice(Math.max(0, match.index - 300), match.index),
    );
    return !webAddress && isPath(path, lines, inCode)
      ? [{ start: match.index, end: match.index + whole.length, target: whole }]
      : [];
  });
}

/** The last path in a text, for the code block that follows it; '' = none. */
export function lastPath(text: string): string {
  const plain = text.replace(/[*_`"'()]/g, ' ');
  return findPaths(plain, true).at(-1)?.target ?? '';
}

/** What a link's target is: a file, a web address, or nothing that may be opened. */
export function kindOfTarget(target: string): 'file' | 'web' | 'none' {
  if (/^https?:\/\/[^\s/]/i.test(target)) {
    return 'web';
  }
  // Other schemes (a drive letter among them), "//host", "\\host", and places in this page.
  return /^[a-z][a-z0-9+.-]*:(?!\d)|^[/\\]{2}|^#|^\?|^$/i.test(target) || hasControl(target)
    ? 'none'
    : 'file';
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (text.charCodeAt(i) < 0x21 && text[i] !== ' ') {
      return true;
    }
  }
  return false;
}
