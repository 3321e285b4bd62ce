/** What a code block of an answer makes of a file: the whole of it, or a part, or more lines. Pure; somebody always looks at it first. */

/** Lines count from 0, the end is not included. */
export interface Lines {
  readonly start: number;
  readonly end: number;
}

export interface ApplyInput {
  /** The file as it is. */
  readonly text: string;
  /** What the answer holds. */
  readonly code: string;
  /** What the question had attached of this file; undefined = not a part. */
  readonly attached: Lines | undefined;
  /** Where the cursor stands in it; undefined = the file is not open. */
  readonly cursorLine: number | undefined;
}

export interface ApplyPlan {
  /** file: the code is the whole file. lines: it takes the place of some lines. insert: it comes before the line `start`. */
  readonly how: 'file' | 'lines' | 'insert';
  readonly lines: Lines;
  readonly result: string;
}

/** How much of a file's lines code must have to be taken for the whole of it. */
const wholeShare = 0.6;
/** Beginning and end being the same, so much is enough. */
const wholeShareWithEnds = 0.3;

const filled = (lines: readonly string[]): string[] =>
  lines.map((line) => line.trim()).filter((line) => line !== '');

function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** The share of a file's filled lines that the code has too, each counted as often as it is there. */
export function sharedLines(text: string, code: string): number {
  const wanted = filled(text.split('\n'));
  const there = new Map<string, number>();
  for (const line of filled(code.split('\n'))) {
    there.set(line, (there.get(line) ?? 0) + 1);
  }
  let shared = 0;
  for (const line of wanted) {
    const left = there.get(line) ?? 0;
    if (left > 0) {
      shared += 1;
      there.set(line, left - 1);
    }
  }
  return wanted.length === 0 ? 1 : shared / wanted.length;
}

function isWhole(text: string, code: string): boolean {
  const [ours, theirs] = [filled(text.split('\n')), filled(code.split('\n'))];
  if (ours.length === 0) {
    return true;
  }
  const ends = ours[0] === theirs[0] && ours.at(-1) === theirs.at(-1);
  const share = sharedLines(text, code);
  return share >= wholeShare || (ends && ours.length > 2 && share >= wholeShareWithEnds);
}

/** The lines of a block that begins and ends as the code does, where there is exactly one such beginning. */
export function sameBlock(lines: readonly string[], code: readonly string[]): Lines | undefined {
  const mine = filled(code);
  const [first] = mine;
  const last = mine.at(-1);
  if (first === undefined || last === undefined || mine.length < 2) {
    return undefined;
  }
  const starts = lines.flatMap((line, index) => (line.trim() === first ? [index] : []));
  const [start] = starts;
  if (starts.length !== 1 || start === undefined) {
    return undefined;
  }
  const indent = indentOf(lines[start] ?? '');
  const end = lines.findIndex(
    (line, index) => index > start && line.trim() === last && indentOf(line) === indent,
  );
  return end < 0 ? undefined : { start, end: end + 1 };
}

/** The code, moved to where the lines that it replaces stand. */
export function indented(code: readonly string[], indent: string): string[] {
  const depths = code.filter((line) => line.trim() !== '').map((line) => indentOf(line));
  const common = depths.reduce(
    (least, depth) => (depth.startsWith(least) ? least : least.startsWith(depth) ? depth : ''),
    depths[0] ?? '',
  );
  return code.map((line) => (line.trim() === '' ? '' : indent + line.slice(common.length)));
}

function asLines(code: string): string[] {
  return code.replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n');
}

/** The result has the file's own line ends, and ends as the file did. */
export function planApply({ text, code, attached, cursorLine }: ApplyInput): ApplyPlan {
  const ending = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.replace(/\r\n/g, '\n').split('\n');
  const added = asLines(code);
  const rebuilt = (how: ApplyPlan['how'], part: Lines, replacement: readonly string[]): ApplyPlan => ({
    how,
    lines: part,
    result: [...lines.slice(0, part.start), ...replacement, ...lines.slice(part.end)].join(ending),
  });
  const plain = lines.join('\n');
  if (isWhole(plain, added.join('\n'))) {
    const result = [...added, ...(plain === '' || plain.endsWith('\n') ? [''] : [])].join(ending);
    return { how: 'file', lines: { start: 0, end: lines.length }, result };
  }
  const part =
    attached !== undefined && attached.end > attached.start && attached.end <= lines.length
      ? attached
      : sameBlock(lines, added);
  if (part !== undefined) {
    const firstFilled = lines.slice(part.start, part.end).find((line) => line.trim() !== '') ?? '';
    return rebuilt('lines', part, indented(added, indentOf(firstFilled)));
  }
  const last = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  const at = Math.min(cursorLine ?? last, last);
  const here = lines[at] ?? '';
  const indent = cursorLine === undefined ? '' : indentOf(here);
  // An empty line at the cursor is where it belongs.
  const empty = cursorLine !== undefined && at < lines.length && here.trim() === '' && at < lines.length - 1;
  return rebuilt('insert', { start: at, end: empty ? at + 1 : at }, indented(added, indent));
}
