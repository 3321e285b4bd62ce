/** Whether the body of a block is to be written at the cursor: the block is open, or there is nothing in it yet. */
import type { LanguageTraits } from './languages';
import { kindOf } from './lexer';
import { columnsOf, indentAt, type LastCode, type Surroundings } from './surroundings';

export interface Body {
  /** White space before the line in which the block's statement begins. */
  readonly indent: string;
  /** Whether what ends the block is already there, or need not be written. */
  readonly closed: boolean;
  /** Brackets that have been opened within the block, before the cursor. */
  readonly inner: number;
}

/** What a syntax tree says of an opening `{` or `:`; undefined = it does not know. */
export type BlockOpener = (at: number) => boolean | undefined;

const closersBehind = /^[\s)\]};,]*$/;
const wordOpener = /\b(?:do|then|else|begin|ensure|rescue)\b(?:\s*\|[^|]*\|)?$/;
const wordStatement =
  /^\s*(?:(?:private|public|protected|local)\s+)?(?:def|class|module|if|unless|while|until|for|case|when|elsif|function|struct|begin|let)\b/;
const wordEnd = /^\s*(?:end|fi|done|esac|else|elsif|elif|rescue|ensure|when|until|catch)\b|^\s*(?:\}|;;)/;
const colonStatement =
  /^\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|with|try|except|finally|match|case)\b/;
const braceStatement =
  /\b(?:class|interface|enum|namespace|struct|impl|trait|mod|union|switch|match|object|record|extension|protocol|func|fn|fun|if|for|while|loop|unsafe|else|try|do|finally|catch|static|select|defer)\b[^=;]*$/;

/** What holds a whole file seldom waits for its body, and is often not indented. */
const holdsFile = /^\s*(?:(?:export|declare|inline)\s+)*(?:namespace|extern|module)\b/;

function lineStartOf(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Characters before a bracket in which its partner is looked for. */
const mostSignature = 4_096;

/** The line in which the statement that ends at `at` begins: further up where brackets that close before `at` were opened there. */
function statementLine(text: string, at: number): number {
  let depth = 0;
  let line = lineStartOf(text, at);
  for (let i = at - 1; i >= 0 && i > at - mostSignature; i -= 1) {
    const char = text.charAt(i);
    if (char === ')' || char === ']') {
      depth += 1;
    } else if (char === '(' || char === '[') {
      depth -= 1;
    } else if (char === '\n' && depth <= 0) {
      break;
    }
    if (char === '\n') {
      line = lineStartOf(text, i);
    }
  }
  return depth > 0 ? lineStartOf(text, at) : line;
}

function looksLikeBlock(text: string, at: number, languageId: string): boolean {
  if (languageId === 'css' || languageId === 'scss' || languageId === 'less') {
    return true;
  }
  const head = text.slice(Math.max(statementLine(text, at), at - mostSignature), at).trimEnd();
  return /(?:=>|\))$|\)[^=;,(]*$/.test(head) || braceStatement.test(head);
}

interface Place {
  readonly text: string;
  readonly offset: number;
  readonly languageId: string;
  readonly traits: LanguageTraits;
  readonly surroundings: Surroundings;
  readonly isBlock: BlockOpener | undefined;
}

/** Whether the character at `at` opens a block whose body comes next. */
function opens({ text, languageId, traits, surroundings, isBlock }: Place, at: number): boolean {
  const char = text.charAt(at);
  if (traits.blocks === 'braces' || (traits.blocks === 'words' && char === '{')) {
    return (
      char === '{' &&
      !holdsFile.test(text.slice(statementLine(text, at), at)) &&
      (isBlock?.(at) ?? looksLikeBlock(text, at, languageId))
    );
  }
  const line = text.slice(lineStartOf(text, at), at + 1);
  if (traits.blocks === 'colon') {
    const statement = statementLine(text, at);
    const innermost = surroundings.open[0];
    return (
      char === ':' &&
      (innermost === undefined || innermost.at < statement) &&
      (isBlock?.(at) ?? colonStatement.test(text.slice(statement, at)))
    );
  }
  return (
    wordOpener.test(line) || (wordStatement.test(line) && !/\bend\b|\bthen\b.*\S|;\s*$|\)\s*=/.test(line))
  );
}

/** The opener in front of which there is nothing but comments; with docstrings, nothing but one of those. */
function openerBefore(place: Place, { last, lastBeforeString }: LastCode): number {
  if (last >= 0 && opens(place, last)) {
    return last;
  }
  const docstring = place.traits.blocks === 'colon' && lastBeforeString >= 0 && lastBeforeString < last;
  return docstring && opens(place, lastBeforeString) ? lastBeforeString : -1;
}

/** The next line that is not blank, with its indentation; undefined = there is none. */
function nextLine(
  text: string,
  from: number,
): { readonly line: string; readonly columns: number } | undefined {
  const found = /\n([ \t]*)(\S[^\n]{0,64})/g;
  found.lastIndex = from;
  const match = found.exec(text);
  return match === null ? undefined : { line: match[2] as string, columns: columnsOf(match[1] as string) };
}

function bodyBehind({ text, offset, traits, surroundings }: Place, opener: number): Body | undefined {
  const indent = indentAt(text, statementLine(text, opener));
  const inner = surroundings.open.filter(({ at }) => at > opener).length;
  const endOfLine = text.indexOf('\n', offset);
  const rest = text.slice(offset, endOfLine < 0 ? text.length : endOfLine).trim();
  if (traits.blocks === 'braces' && rest.startsWith('}')) {
    return { indent, closed: true, inner };
  }
  const next = nextLine(text, offset);
  const columns = columnsOf(indent);
  if (next !== undefined && next.columns > columns) {
    return undefined; // there is something in it
  }
  if (traits.blocks === 'colon') {
    return { indent, closed: true, inner };
  }
  const line = next?.columns === columns ? next.line : '';
  return { indent, closed: traits.blocks === 'braces' ? line.startsWith('}') : wordEnd.test(line), inner };
}

/**
 * The body that is to be written, where the cursor stands behind what opens it, on an empty line below, or in its first line with
 * nothing but closing brackets behind the cursor. Undefined where one goes on with a single line.
 */
export function bodyAt(place: Place): Body | undefined {
  const { text, offset, traits, surroundings } = place;
  if (traits.blocks === 'none' || kindOf(surroundings.state) !== 'code') {
    return undefined;
  }
  const endOfLine = text.indexOf('\n', offset);
  const rest = text.slice(offset, endOfLine < 0 ? text.length : endOfLine);
  if (!closersBehind.test(rest)) {
    return undefined;
  }
  let opener = openerBefore(place, surroundings.atCursor);
  if (opener < 0 && rest.trim() === '' && surroundings.atCursor !== surroundings.beforeLine) {
    opener = openerBefore(place, surroundings.beforeLine); // the first line of the body has been begun
  }
  return opener < 0 ? undefined : bodyBehind(place, opener);
}
