/** What is asked of the model for an edit: the prompt, which fits, the form of the answer, and how long it may be. */
import type { EditRequest, LineRange } from '#protocol';
import type { ChatFormat } from '../conversation';
import { EngineError, type EnginePort, type TokenId } from '../engine';
import type { Grammar } from '../grammar/grammar';
import type { LoadedModel } from '../models';
import { blocksGrammar, fenceFor, formFor, rewriteGrammar, type EditForm } from './forms';
import type { DocumentLines } from './lines';
import { editMessages, windows, type EditPrompt } from './prompt';

export interface EditPlan {
  readonly form: EditForm;
  /** What closes the answer, and opened it. */
  readonly fence: string;
  readonly grammar: Grammar;
  readonly tokens: readonly TokenId[];
  readonly maxTokens: number;
  /** With so few tokens left or fewer, an answer may have been brought to its end. */
  readonly closing: number;
  /** The range as it is, in tokens: what a rewrite mostly repeats. Empty for blocks. */
  readonly expected: readonly TokenId[];
  /** How many tokens the answer may take, as far as its size can be told beforehand. */
  readonly likely: number;
}

export interface PlanRequest {
  readonly engine: Pick<EnginePort, 'tokenize'>;
  readonly model: Pick<LoadedModel, 'handle' | 'kv'>;
  readonly format: ChatFormat;
  readonly path: string;
  readonly languageId: string;
  readonly lines: DocumentLines;
  readonly range: LineRange;
  readonly asked: Pick<EditRequest.Params, 'task' | 'instruction' | 'problems' | 'tried'>;
  /** Absent = by the size of what is changed. */
  readonly form?: EditForm;
}

/** Tokens of an answer that the size of what is changed says nothing about. */
const answerTokens = 384;
/** How much longer a range may become. */
const growth = 2;
/** Of a large range, how much blocks may say. */
const blockShare = 0.6;
/** A line's end and the fence; of blocks, a whole one: where there is no room for another, the mask leaves nothing but the fence. */
export const closingTokens: Readonly<Record<EditForm, number>> = { rewrite: 16, blocks: 128 };
/** No token has more characters, but for rows of the same sign: what is longer need not be rendered to know that it does not fit. */
const charactersPerToken = 16;

/** The prompt with the answer's opening. */
export function renderPrompt(
  format: ChatFormat,
  prompt: EditPrompt,
  fence: string,
): Promise<readonly TokenId[]> {
  const opening = `${fence}${prompt.languageId}\n`;
  return format.render(editMessages(prompt), { thinking: false, begun: { thinking: '', text: opening } });
}

/** As much of the file as there is room for beside the answer. Rejects with a sentence where not even the range fits. */
export async function planEdit(request: PlanRequest): Promise<EditPlan> {
  const { engine, model, format, path, languageId, lines, range, asked } = request;
  const { context } = model.kv;
  const rangeLines = lines.lines(range);
  const original = rangeLines.join('\n');
  const form = request.form ?? formFor(rangeLines);
  const fence = fenceFor(original);
  const size = await engine.tokenize(model.handle, original === '' ? '' : `${original}\n`, false);
  const wanted = answerTokens + Math.ceil((form === 'rewrite' ? growth : blockShare) * size.length);
  const least = form === 'rewrite' ? Math.min(wanted, answerTokens + size.length) : answerTokens;
  for (const shown of windows(lines, range)) {
    if (lines.startOf(shown.end) - lines.startOf(shown.start) > charactersPerToken * context) {
      continue;
    }
    const tokens = await renderPrompt(
      format,
      { path, languageId, lines, range, form, shown, ...asked },
      fence,
    );
    const room = context - tokens.length;
    if (room >= least) {
      return {
        ...{ form, fence, tokens, maxTokens: Math.min(wanted, room) },
        closing: closingTokens[form],
        grammar: form === 'rewrite' ? rewriteGrammar(fence) : blocksGrammar(fence, original),
        expected: form === 'rewrite' ? size : [],
        likely: form === 'rewrite' ? size.length : Math.ceil(size.length / 8),
      };
    }
  }
  throw new EngineError(
    'context_overflow',
    `The selected lines do not fit into the model's context of ${context.toLocaleString('en-US')} tokens. Select fewer.`,
  );
}
