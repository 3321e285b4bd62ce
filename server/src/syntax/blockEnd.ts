/** Where a body that is being written ends. It works on text that goes on, so that a model can be stopped there. */
import type { Lexis } from './languages';
import { kindOf, scan, type LexState } from './lexer';
import { columnsOf } from './surroundings';

export interface BlockToEnd {
  readonly style: 'braces' | 'colon' | 'words' | 'none';
  /** White space before the line in which the block's statement begins. */
  readonly indent: string;
  /** Whether what ends the block stands behind the cursor: then it is not written once more. */
  readonly closed: boolean;
  /** Brackets that have been opened in the block before the cursor. */
  readonly inner: number;
}

export interface Cut {
  readonly text: string;
  /** Whether the block's end has been reached: what would follow belongs to something else. */
  readonly ended: boolean;
}

/** What may follow a block's closing bracket in its line: `})`, `};`, `} // end`. */
const behindCloser = /^[)\]};,]*/;
const endWord = /^(?:end\b|fi\b|done\b|esac\b|\}|;;)/;
const middleWord = /^(?:else|elsif|elif|rescue|ensure|when|in|catch|after)\b/;

/** Labels, which stand where the block itself does: of a switch, of a class's sections, of the preprocessor. */
const label = /^\s*(?:(?:case\b|default\s*:|public\b|private\b|protected\b|#)|\w+:\s*$)/;

export function isLabel(line: string): boolean {
  return label.test(line);
}

interface Line {
  readonly at: number;
  /** Whether the line begins in code, and not in a string or comment. */
  readonly code: boolean;
  /** Brackets of the block that are open there. */
  readonly depth: number;
}

/** Behind the bracket that closes the block; undefined while it is open. */
function read(
  text: string,
  inner: number,
  lexis: Lexis,
  state: LexState,
  preceding: string,
): { lines: Line[]; closedAt?: number } {
  const lines: Line[] = [];
  let depth = inner;
  let closedAt: number | undefined;
  scan(
    text,
    lexis,
    {
      bracket: (char, at) => {
        depth += '([{'.includes(char) ? 1 : -1;
        if (depth < 0 && closedAt === undefined) {
          closedAt = at;
        }
      },
      line: (at, here) => {
        lines.push({ at, code: kindOf(here) === 'code', depth });
      },
    },
    { state, preceding },
  );
  return { lines, ...(closedAt === undefined ? {} : { closedAt }) };
}

function lineAt(text: string, at: number): { readonly words: string; readonly columns: number } {
  const end = text.indexOf('\n', at);
  const line = text.slice(at, end < 0 ? text.length : end);
  const words = line.trimStart();
  return { words, columns: columnsOf(line.slice(0, line.length - words.length)) };
}

function upTo(text: string, end: number): Cut {
  return { text: text.slice(0, end).trimEnd(), ended: true };
}

function throughLine(text: string, at: number): Cut {
  const end = text.indexOf('\n', at);
  return end < 0 ? { text, ended: false } : upTo(text, end);
}

/**
 * `generated` up to the end of the block whose body it is, what closes the block included where that is not there already. `before`
 * and `state` are what the cursor is in.
 */
export function blockEnd(
  generated: string,
  block: BlockToEnd,
  lexis: Lexis,
  state: LexState,
  before = '',
): Cut {
  const { lines, closedAt } = read(generated, block.inner, lexis, state, before.slice(-64));
  const margin = columnsOf(block.indent);
  for (const { at, code, depth } of lines) {
    if (closedAt !== undefined && at > closedAt) {
      break;
    }
    const { words, columns } = lineAt(generated, at);
    if (!code || depth > 0 || words === '' || columns > margin) {
      continue;
    }
    if (block.style === 'braces') {
      // A line that begins no deeper than the block itself, and does not close it, is another statement.
      if (closedAt === at + (generated.slice(at).length - generated.slice(at).trimStart().length)) {
        break;
      }
      if (isLabel(words)) {
        continue;
      }
      return upTo(generated, at);
    }
    if (block.style === 'words' && columns === margin) {
      if (middleWord.test(words)) {
        continue;
      }
      if (endWord.test(words) && !block.closed) {
        return throughLine(generated, at);
      }
    }
    return upTo(generated, at);
  }
  if (closedAt === undefined || block.style !== 'braces') {
    return { text: generated, ended: false };
  }
  if (block.closed) {
    return upTo(generated, closedAt);
  }
  const behind = generated.slice(closedAt);
  const end = closedAt + (behindCloser.exec(behind)?.[0].length ?? 1);
  return end < generated.length ? upTo(generated, end) : { text: generated, ended: false };
}
