/**
 * What a path of a new file may look like, whoever wrote it. Pure: what the disk says is `places.ts`'s. A path that passes means the same file
 * on every system that the workspace may be opened on, and none that something runs by itself.
 */

/** Characters. */
const longestPath = 240;
const longestName = 120;
const mostLevels = 16;

export type PathReading =
  /** Normalised (NFC), one name a level; never empty. */
  | { readonly parts: readonly string[]; readonly problem: '' }
  | { readonly parts: readonly []; readonly problem: string };

/** Characters that nobody sees, or that turn what is seen: controls, formats, halves of pairs, private ones, line and paragraph separators. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const reserved = /[<>:"|?*\\]/;
/** Windows takes these for devices, whatever stands behind a dot. */
const device = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])$/i;
/** How Windows shortens names: it could be another one's. */
const shortened = /^[^.]{1,6}~\d{1,4}(?:\.[^.]{0,3})?$/;

/** Folders and files in which things are kept that run without being asked, or that say what models may read. */
const guardedFolders = new Set([
  ...['.git', '.hg', '.svn', '.husky', '.githooks', '.devcontainer'],
  ...['.vscode', '.idea', '.vs', '.zed', '.fleet', '.cursor', '.claude', '.windsurf'],
]);
const guardedNames =
  /^(?:\.niwakiignore|.*\.code-workspace|\.devcontainer\.json|\.mcp\.json|\.envrc|\.pnpmfile\.[cm]?js|\.yarnrc(?:\.yml)?)$/;

const refused = (problem: string): PathReading => ({ parts: [], problem });

/** A name as file systems compare it that see no difference in case. */
export function folded(name: string): string {
  // To upper case first: some letters are one only there.
  return name.normalize('NFC').toUpperCase().toLowerCase();
}

/** A name in a sentence: cut, and without what nobody sees. */
export function shownName(name: string): string {
  const plain = name.replace(new RegExp(unseen.source, 'gu'), '\uFFFD');
  return plain.length > 60 ? `${plain.slice(0, 57)}…` : plain;
}

/** Why a single name is refused; '' = it is not. */
function problemOfName(name: string): string {
  const shown = shownName(name);
  if (name === '.' || name === '..') {
    return `"${name}" leads to another folder. Write the path from the workspace's folder on.`;
  }
  if (unseen.test(name)) {
    return `"${shown}" holds a character that cannot be seen. Write the name anew.`;
  }
  const sign = reserved.exec(name)?.[0];
  if (sign !== undefined) {
    return `"${shown}" holds ${sign}, which not every system allows in names. Leave it out.`;
  }
  if (/^\s|\s$/u.test(name)) {
    return `"${shown}" begins or ends with a space, which some systems drop. Leave it out.`;
  }
  if (name.endsWith('.')) {
    return `"${shown}" ends with a dot, which some systems drop. Leave it out.`;
  }
  if (name.startsWith('-')) {
    return `"${shown}" begins with a dash, which commands take for an option. Choose another name.`;
  }
  const stem = (name.split('.')[0] ?? '').trimEnd();
  if (device.test(stem) || device.test(name.trimEnd())) {
    return `"${shown}" is the name of a device on Windows. Choose another one.`;
  }
  if (shortened.test(name)) {
    return `"${shown}" looks like a name that Windows has shortened, and may mean another file. Choose another one.`;
  }
  if (name.length > longestName || Buffer.byteLength(name) > 255) {
    return `"${shown}" is too long. A name may have ${String(longestName)} characters.`;
  }
  return '';
}

/** Why nothing is written there although the names are good: what is there runs by itself; '' = something may be. */
export function guardedProblem(parts: readonly string[]): string {
  const names = parts.map(folded);
  const folder = parts.find((_, i) => guardedFolders.has(names[i] ?? ''));
  if (folder !== undefined) {
    return `What is in ${shownName(folder)} may run by itself, or decides what runs. Niwaki writes nothing there; make the file yourself.`;
  }
  return guardedNames.test(names.at(-1) ?? '')
    ? `${shownName(parts.at(-1) ?? '')} decides what the editor or a model may do. Niwaki does not write it; make it yourself.`
    : '';
}

/** Reads a path as a user or a model wrote it: forward slashes, from the workspace's folder on. */
export function readPath(written: string): PathReading {
  const path = written.trim().normalize('NFC');
  if (path === '') {
    return refused('There is no path. Write one, or take the line out.');
  }
  if (path.length > longestPath) {
    return refused(`The path is too long. It may have ${String(longestPath)} characters.`);
  }
  if (/^[\\/]{2}/.test(path) || path.startsWith('\\')) {
    return refused('The path leads to another machine or device. Write it from the workspace’s folder on.');
  }
  if (/^(?:\/|~(?:[\\/]|$)|[A-Za-z]:|[A-Za-z][\w+.-]*:\/\/)/.test(path)) {
    return refused('The path does not begin in the workspace. Write it from the workspace’s folder on.');
  }
  if (path.includes('\\')) {
    return refused('Write the path with forward slashes (/).');
  }
  const parts = path.replace(/^\.\//, '').split('/');
  if (parts.at(-1) === '') {
    return refused('The path names a folder. Write the name of a file behind it.');
  }
  if (parts.includes('')) {
    return refused('The path has two slashes in a row. Leave one out.');
  }
  if (parts.length > mostLevels) {
    return refused(`The path has too many folders. It may have ${String(mostLevels - 1)}.`);
  }
  for (const part of parts) {
    // What only looks like a dot, a slash or a letter may be taken for one.
    const plain = part.normalize('NFKC');
    const problem =
      problemOfName(part) ||
      (plain.includes('/')
        ? `"${shownName(part)}" holds what looks like a slash. Write the name anew.`
        : '') ||
      (plain === part ? '' : problemOfName(plain));
    if (problem !== '') {
      return refused(problem);
    }
  }
  const guarded = guardedProblem(parts) || guardedProblem(parts.map((part) => part.normalize('NFKC')));
  return guarded === '' ? { parts, problem: '' } : refused(guarded);
}
