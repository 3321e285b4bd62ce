/**
 * How a model is asked for the text at a cursor, and how its answer is read. Which way suits a model is found out in
 * models/probe; here is what the ways are.
 */
import { isClosersOnly, type CursorText } from './cursor';
import type { FimForm } from './fimForm';

/**
 * suffixFirst, prefixFirst: fill in the middle, for models that were trained for it. prefixOnly: the model continues the text before
 * the cursor and does not know what follows. chat: a model made to chat is asked for the missing code.
 */
export type StrategyKind = 'suffixFirst' | 'prefixFirst' | 'prefixOnly' | 'chat';

/** The one that costs the least to keep up while somebody types first. */
export const strategyKinds: readonly StrategyKind[] = ['suffixFirst', 'prefixFirst', 'prefixOnly', 'chat'];

export interface Strategy {
  readonly kind: StrategyKind;
  readonly form: FimForm;
}

/** What an answer is read against. */
export interface AnswerPlace {
  /** The cursor's line up to the cursor. */
  readonly line: string;
  /** The next line of the file that is not blank, without white space at its end; undefined where text follows in the cursor's line. */
  readonly next: string | undefined;
}

/** The first that is not blank: the rest of the file, which may be long, is not looked at. */
const firstLine = /^[^\r\n]*\S[^\r\n]*/m;

export function answerPlace({ before, restOfLine, nextLines }: CursorText): AnswerPlace {
  return {
    line: before.slice(before.lastIndexOf('\n') + 1),
    next: isClosersOnly(restOfLine) ? firstLine.exec(nextLines)?.[0].trimEnd() : undefined,
  };
}

export interface ReadAnswer {
  readonly text: string;
  /** What the model goes on to write makes no difference. */
  readonly ended: boolean;
}

/** Up to where the text has caught up with what follows the cursor in the file. */
function cutAtNextLine(text: string, next: string | undefined, complete: boolean): ReadAnswer {
  const lines = text.split('\n');
  const finished = complete ? lines.length : lines.length - 1;
  for (let i = 1; next !== undefined && i < finished; i += 1) {
    if (lines[i]?.trimEnd() === next) {
      return { text: lines.slice(0, i).join('\n').trimEnd(), ended: true };
    }
  }
  return { text, ended: false };
}

const thought = /^\s*<think>(?:[^]*?<\/think>\s*|[^]*$)/;
const openingFence = /^\s*```[\w+#.-]+[^\n]*\n/;
const closingFence = /(?:^|\n)[ \t]*```/;

/** Shorter beginnings of a line are found at the beginning of what goes on after them too: `foo(` and `foo(foo(1))`. */
const shortestRepeated = 6;

/** A chat model's answer without what belongs to chatting. The fence before it is ours (conversation/chatInfill.ts). */
function unwrapped(written: string, line: string): ReadAnswer {
  let text = written.replace(thought, '').replace(openingFence, '');
  const closed = closingFence.exec(text);
  text = closed === null ? text : text.slice(0, closed.index);
  const repeated = line.trim();
  if (repeated.length >= shortestRepeated && text.trimStart().startsWith(repeated)) {
    const rest = text.trimStart().slice(repeated.length);
    text = /\s$/.test(line) ? rest.trimStart() : rest;
  }
  return { text, ended: closed !== null };
}

/**
 * The text to insert out of what the model has written behind the healed text. `complete`: it writes no more. Fill-in-the-middle models
 * end with a token of theirs, so there is nothing to be done; the others are stopped where they come to what the file goes on with.
 */
export function readAnswer(
  kind: StrategyKind,
  written: string,
  { line, next }: AnswerPlace,
  complete: boolean,
): ReadAnswer {
  if (kind === 'suffixFirst' || kind === 'prefixFirst') {
    return { text: written, ended: false };
  }
  const { text, ended } = kind === 'chat' ? unwrapped(written, line) : { text: written, ended: false };
  const cut = cutAtNextLine(text, next, complete || ended);
  return { text: cut.text, ended: ended || cut.ended };
}
