/**
 * What an answer that edits may look like. The prompt ends with an opening fence, and the answer is what stands in it: the range anew, or
 * search/replace blocks (core/blocks.ts) whose searched lines stand in the range, at one place. All line ends are `\n`.
 */
import {
  characters,
  choice,
  empty,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Grammar,
} from '../grammar/grammar';
import { hasPlaces } from '../grammar/lines';

export type EditForm = 'rewrite' | 'blocks';

export const searchMark = '<<<<<<< SEARCH';
export const divider = '=======';
export const replaceMark = '>>>>>>> REPLACE';

/** Longer runs are not needed to name a place, and take long to say. */
export const mostSearched = 40;
/** Lines up to which a range is written anew. */
const mostRewritten = 60;

const lineEnd = text('\n');
/** What a line cannot hold. */
const noLine = '\n\r\0';
const anyRest = repeat(characters(noLine, true), 0);

/** A line without its end that begins with none of the signs. None of them begins another. */
function lineWithout(signs: readonly string[]): Expression {
  const firsts = [...new Set(signs.map((sign) => sign.charAt(0)))];
  const further = firsts.flatMap((first) => {
    const rests = signs.filter((sign) => sign.startsWith(first)).map((sign) => sign.slice(1));
    return rests.includes('') ? [] : [sequence(text(first), lineWithout(rests))];
  });
  return choice(empty, sequence(characters(noLine + firsts.join(''), true), anyRest), ...further);
}

/** More backticks than any of the texts has in a row, three at least. */
export function fenceFor(...texts: readonly string[]): string {
  const runs = texts.flatMap((each) => each.match(/`{3,}/g) ?? []);
  return '`'.repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
}

/** Any lines but those that begin with the fence, and the fence. */
export function rewriteGrammar(fence: string): Grammar {
  return {
    root: 'answer',
    rules: {
      answer: sequence(repeat(rule('line'), 0), text(fence)),
      line: sequence(lineWithout([fence]), lineEnd),
    },
  };
}

/** What a line of a block must not begin with: it would be, or look like, one of the marks. Longer rows of `=` are headings in many files. */
const marks = ['<<<<<', '>>>>>', divider];
const newLine = choice(lineWithout(marks), sequence(text(`${divider}=`), anyRest));

/**
 * Blocks, none too, in the order of the file, and the fence. What is searched are whole lines of `original` that stand at one place of it, so each
 * block can be applied whatever the model is.
 */
export function blocksGrammar(fence: string, original: string): Grammar {
  return {
    root: 'answer',
    rules: {
      answer: sequence(
        {
          kind: 'pieces',
          ...{ of: original, most: mostSearched },
          begin: text(`${searchMark}\n`),
          then: sequence(text(`\n${divider}\n`), repeat(rule('line'), 0), text(`${replaceMark}\n`)),
        },
        text(fence),
      ),
      line: sequence(newLine, lineEnd),
    },
  };
}

/** Whether blocks can name what changes in these lines. */
export function hasBlocks(original: readonly string[]): boolean {
  return !original.some(isMark) && hasPlaces(original.join('\n'), mostSearched);
}

const isMark = (line: string): boolean => /^(?:<{5}|>{5}|={7}[ \t]*$)/.test(line);

/**
 * Small ranges are written anew: a small model is surer of a whole than of blocks, and a draft from the old text makes what stays cheap. In large
 * ones that would take long, and lose a line sooner or later. Where no lines name a place, or some look like the marks, there are no blocks.
 */
export function formFor(original: readonly string[]): EditForm {
  return original.length > mostRewritten && hasBlocks(original) ? 'blocks' : 'rewrite';
}
