/** What is in an attachment: texts are read once, when the message is sent, so that the conversation stays what it was. */
import type { Attachment } from '#protocol';
import { extname } from 'node:path/posix';
import type { ChosenFiles, Refused } from '../workspace';

/** A piece of an attachment: a file, a list, a diff. */
export interface Piece {
  /** What stands above it in the prompt: "File src/a.ts, lines 10 to 20". */
  readonly title: string;
  /** Of a file in a folder: its path there; '' otherwise. */
  readonly file: string;
  /** For the code fence; '' = none. */
  readonly language: string;
  readonly text: string;
}

export interface Collected {
  readonly attachment: Attachment;
  /** As it is called in the view. */
  readonly label: string;
  /** In the order in which they are shown while there is room. */
  readonly pieces: readonly Piece[];
  /** Why nothing is shown, or not all: a sentence; '' otherwise. */
  readonly reason: string;
}

/** Files of a folder whose contents are read; the others are listed. */
const mostRead = 200;
/** UTF-16 units of one attachment. No model's context has more, and all of it is kept with the conversation. */
const mostText = 1_048_576;

const languages: Readonly<Record<string, string>> = {
  '.ts': 'ts', '.tsx': 'tsx', '.js': 'js', '.mjs': 'js', '.cjs': 'js', '.jsx': 'jsx', '.py': 'python', '.rs': 'rust',
  '.go': 'go', '.java': 'java', '.kt': 'kotlin', '.cs': 'csharp', '.c': 'c', '.h': 'c', '.cc': 'cpp', '.cpp': 'cpp',
  '.hpp': 'cpp', '.rb': 'ruby', '.php': 'php', '.sh': 'bash', '.json': 'json', '.yml': 'yaml', '.yaml': 'yaml',
  '.md': 'markdown', '.html': 'html', '.css': 'css', '.scss': 'scss', '.sql': 'sql', '.toml': 'toml', '.xml': 'xml',
}; // prettier-ignore

const languageOf = (path: string): string => languages[extname(path).toLowerCase()] ?? '';

const refusals: Readonly<Record<Refused, string>> = {
  secret:
    'Its name says that it holds secrets. Such files are shown to no model unless a .niwakiignore takes them in ("!name").',
  niwakiignore: 'A .niwakiignore keeps it from models.',
  outside: 'It lies outside the workspace, and is not open in the editor.',
  unreadable: 'It cannot be read as text, is larger than 2 MiB, or is gone.',
};

const breaks = /\r\n|\r|\n/;

function lines(startLine: number, endLine: number): string {
  return endLine - startLine === 1 ? String(startLine + 1) : `${String(startLine + 1)}-${String(endLine)}`;
}

function nothing(attachment: Attachment, label: string, reason: string): Collected {
  return { attachment, label, pieces: [], reason };
}

function clipped(text: string): string {
  return text.length <= mostText ? text : text.slice(0, mostText);
}

async function ofFile(files: ChosenFiles, attachment: Attachment): Promise<Collected> {
  const file = await files.read(attachment.uri);
  const path = files.pathOf(attachment.uri);
  if (typeof file === 'string') {
    return nothing(attachment, path, refusals[file]);
  }
  const language = languageOf(file.path);
  if (attachment.kind !== 'selection' && attachment.kind !== 'symbol') {
    const piece = { title: `File ${file.path}`, file: '', language, text: clipped(file.text) };
    return { attachment, label: file.path, pieces: [piece], reason: '' };
  }
  const all = file.text.split(breaks);
  const { startLine, name } = attachment;
  const endLine = Math.min(attachment.endLine, all.length);
  if (startLine >= endLine) {
    return nothing(attachment, file.path, 'The file has no such lines any more.');
  }
  const where = `${file.path}:${lines(startLine, endLine)}`;
  const called = attachment.kind === 'symbol' && name !== '' ? `${name} in ${where}` : where;
  const text = clipped(all.slice(startLine, endLine).join('\n'));
  const title = attachment.kind === 'symbol' ? `Symbol ${called}` : `Selected in ${where}`;
  const label = attachment.kind === 'symbol' && name !== '' ? `${name} (${where})` : where;
  return { attachment, label, pieces: [{ title, file: '', language, text }], reason: '' };
}

async function ofFolder(files: ChosenFiles, attachment: Attachment): Promise<Collected> {
  const folder = await files.list(attachment.uri);
  if (folder === undefined) {
    return nothing(attachment, files.pathOf(attachment.uri), 'It is no folder of the workspace.');
  }
  // As its files are called: in a workspace of several folders with the folder's name before it.
  const inside = files.pathOf(`${attachment.uri.replace(/\/+$/, '')}/x`).slice(0, -1);
  const label = inside === '' ? './' : inside;
  if (folder.files.length === 0) {
    return nothing(attachment, label, 'There is no file in it that may be shown.');
  }
  const listing: Piece = {
    title: `Files in ${label}`,
    file: '',
    language: '',
    text: `${folder.files.join('\n')}${folder.more ? '\n…' : ''}`,
  };
  const pieces: Piece[] = [listing];
  let room = mostText - listing.text.length;
  for (const file of folder.files.slice(0, mostRead)) {
    const text = await files.readBelow(attachment.uri, file);
    if (text !== undefined && text.length <= room) {
      room -= text.length;
      pieces.push({ title: `File ${inside}${file}`, file, language: languageOf(file), text });
    }
  }
  const named = folder.files.length - (pieces.length - 1);
  const reasons = [
    ...(folder.more ? ['It has more files than are listed.'] : []),
    ...(named > 0
      ? [`Of ${String(named)} files only the names are shown: they are no text, too large, or too many.`]
      : []),
  ];
  return { attachment, label, pieces, reason: reasons.join(' ') };
}

export interface DiffSection {
  /** '' = before the first file. */
  readonly path: string;
  /** All names that the section's file has or had. */
  readonly names: readonly string[];
  readonly text: string;
}

/** The sections of a unified diff, a file each; together they are the whole diff. */
export function diffSections(diff: string): readonly DiffSection[] {
  // Combined ones, of files in conflict, have headers of their own. A line ends with "\n" here, and with nothing else.
  const starts = [...diff.matchAll(/(?<![^\n])diff --(?:git|cc|combined) /g)].map(({ index }) => index);
  const bounds = starts[0] === 0 ? starts : [0, ...starts];
  return bounds
    .map((from, i) => diff.slice(from, bounds[i + 1] ?? diff.length))
    .filter((text) => text !== '')
    .map((text) => {
      const names = namesIn(text);
      return { path: names[0] ?? '', names, text };
    });
}

/** A name as git writes it: in quotes where it has odd characters, their bytes in octal. */
function unquoted(name: string): string {
  const bare = name.replace(/\t$/, '');
  if (!bare.startsWith('"')) {
    return bare;
  }
  const bytes: number[] = [];
  for (const [part, octal] of bare.slice(1, -1).matchAll(/\\([0-7]{3})|\\.|[^\\]+/gu)) {
    bytes.push(...(octal === undefined ? Buffer.from(part.replace(/^\\/, '')) : [parseInt(octal, 8)]));
  }
  return Buffer.from(bytes).toString();
}

/** The new name first. Only of the section's head: lines of the file may look like one. */
function namesIn(section: string): readonly string[] {
  const head = section.split(/^@@/m, 1)[0] ?? '';
  const named = (pattern: RegExp): string[] =>
    [...head.matchAll(pattern)]
      .map(([, name]) => unquoted(name ?? ''))
      .filter((name) => name !== '/dev/null');
  // Where git is told to write no prefixes, both names in the first line are the same.
  const bare = /^diff --git (.*) \1$/m.exec(head)?.[1];
  const combined = /^diff --(?:cc|combined) (.*)$/m.exec(head)?.[1];
  const sides = [/^\+\+\+ (.*)$/gm, /^--- (.*)$/gm].flatMap((side) =>
    named(side).map((name) => (bare === undefined ? name.replace(/^[abciwo]\//, '') : name)),
  );
  const moved = [...named(/^(?:rename|copy) to (.*)$/gm), ...named(/^(?:rename|copy) from (.*)$/gm)];
  const first = /^diff --git ("(?:[^"\\]|\\.)*"|.*?) ("(?:[^"\\]|\\.)*"|[^"]*)$/m.exec(head);
  // Without sides (a mode, a binary file) both names are the same, and blanks in them are no borders.
  const whole = /^diff --git a\/(.*) b\/\1$/m.exec(head)?.[1];
  const same = bare ?? combined;
  const both =
    same !== undefined
      ? [unquoted(same)]
      : whole !== undefined
        ? [whole]
        : first === null
          ? []
          : [first[2] ?? '', first[1] ?? ''].map((name) => unquoted(name).replace(/^[ab]\//, ''));
  return [...new Set([...sides, ...moved, ...(sides.length + moved.length === 0 ? both : [])])];
}

/** Colours, which `color.ui = always` puts into every diff. */
// eslint-disable-next-line no-control-regex
const colours = /\x1b\[[0-9;]*[mK]/g;
/** What stands before the first file and shows nothing of one. */
const harmless =
  /^(?:\* Unmerged path .*|Submodule .*| {2}[<>] .*|\((?:\d+ more files are|The rest of this file is) not shown\.\)|)$/;
/** In the place of a name: a program that git was told to make diffs with writes what nobody else can read. */
const unknownFile = 'A part that names no file';

/**
 * A diff without the files that are kept from models; of what does not say which file it is about, nothing is shown. `root`: URI of the
 * repository's folder.
 */
export async function shownDiff(
  files: ChosenFiles,
  diff: string,
  root: string,
): Promise<{ readonly text: string; readonly hidden: readonly string[] }> {
  const hidden: string[] = [];
  const kept: string[] = [];
  for (const { names, text } of diffSections(diff.replaceAll(colours, ''))) {
    const hides = await Promise.all(names.map((name) => files.hides(root, name)));
    const at = hides.indexOf(true);
    if (at >= 0) {
      hidden.push(names[at] ?? '');
    } else if (names.length === 0 && !text.split('\n').every((line) => harmless.test(line))) {
      hidden.push(unknownFile);
    } else {
      kept.push(text);
    }
  }
  return { text: kept.join(''), hidden };
}

/** Lines as `src/a.ts:3:7 error …`, without those about files that are kept from models. */
async function shownProblems(
  files: ChosenFiles,
  text: string,
): Promise<{ readonly text: string; readonly hidden: readonly string[] }> {
  const hidden = new Set<string>();
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    const path = /^(.+?):\d+(?::\d+)?[:\s]/.exec(line)?.[1];
    if (path !== undefined && (await files.hides('', path))) {
      hidden.add(path);
    } else {
      kept.push(line);
    }
  }
  return { text: kept.join('\n'), hidden: [...hidden] };
}

function hiddenInWords(hidden: readonly string[]): string {
  const [first] = hidden;
  return first === undefined
    ? ''
    : hidden.length === 1
      ? `${first} is kept from models and left out.`
      : `${String(hidden.length)} files are kept from models and left out, ${first} among them.`;
}

async function ofText(
  files: ChosenFiles,
  attachment: Attachment & { readonly kind: 'problems' | 'changes' },
): Promise<Collected> {
  const isDiff = attachment.kind === 'changes';
  const where = attachment.uri === '' ? '' : files.pathOf(attachment.uri);
  const label = isDiff ? 'changes' : where === '' ? 'problems' : `problems in ${where}`;
  if (!isDiff && attachment.uri !== '') {
    const file = await files.read(attachment.uri);
    if (file === 'secret' || file === 'niwakiignore') {
      return nothing(attachment, label, refusals[file]);
    }
  }
  const { text, hidden } = isDiff
    ? await shownDiff(files, attachment.text, attachment.uri)
    : await shownProblems(files, attachment.text);
  const reason = hiddenInWords(hidden);
  if (text.trim() === '') {
    const empty = isDiff ? 'There are no changes.' : 'There are no problems.';
    return nothing(attachment, label, reason || empty);
  }
  const title = isDiff
    ? 'Changes that are not committed, as a diff'
    : `Problems${where === '' ? '' : ` in ${where}`}`;
  return {
    attachment,
    label,
    pieces: [{ title, file: '', language: isDiff ? 'diff' : '', text: clipped(text) }],
    reason,
  };
}

/** Never rejects: what cannot be read says so in `reason`. */
export async function collect(files: ChosenFiles, attachment: Attachment): Promise<Collected> {
  switch (attachment.kind) {
    case 'folder':
      return ofFolder(files, attachment);
    case 'problems':
    case 'changes':
      return ofText(files, attachment);
    default:
      return ofFile(files, attachment);
  }
}
