/** From a form and its values to token ids. */
import type { FimForm, FimPart, FimValues } from './fimForm';
import { healTokens } from './healing';

/** What rendering needs of a model. */
export interface PromptTokenizer {
  /** `special`: control tokens written out become ids. */
  tokenize(text: string, special: boolean): Promise<readonly number[]>;
  /** Text of the user's, which changes a little from prompt to prompt. `part` tells the texts of one prompt apart. */
  tokenizeText(part: number, text: string): Promise<readonly number[]>;
  detokenize(tokens: readonly number[]): Promise<string>;
}

export interface RenderedTokens {
  readonly tokens: readonly number[];
  readonly healed: string;
}

function fill(part: FimPart & { kind: 'text' }, values: FimValues): string {
  return part.pieces.map((piece) => (typeof piece === 'string' ? piece : values[piece.field])).join('');
}

function isPrefix(part: FimPart): boolean {
  return (
    part.kind === 'text' && part.pieces.some((piece) => typeof piece !== 'string' && piece.field === 'prefix')
  );
}

/**
 * The prompt's tokens. Control tokens of the form become ids; the user's text never does, whatever it contains. The prefix's
 * last token is healed.
 */
export async function renderPrompt(
  form: FimForm,
  values: FimValues,
  tokenizer: PromptTokenizer,
): Promise<RenderedTokens> {
  const rendered = await Promise.all(
    form.parts.map(async (part, index) => {
      if (part.kind === 'control') {
        return { tokens: await tokenizer.tokenize(part.text, true), dropped: '' };
      }
      const text = fill(part, values);
      const tokens = text === '' ? [] : await tokenizer.tokenizeText(index, text);
      return isPrefix(part)
        ? healTokens(text, tokens, form.parts.length === 1 ? 1 : 0, (ids) => tokenizer.detokenize(ids))
        : { tokens, dropped: '' };
    }),
  );
  return {
    tokens: rendered.flatMap((part) => part.tokens),
    healed: rendered.map((part) => part.dropped).join(''),
  };
}
