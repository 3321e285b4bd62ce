/** From a form and its values to token ids. */
import { endsAtCursor, type FimField, type FimForm, type FimPart, type FimValues } from './fimForm';
import { healTokens } from './healing';

/** What rendering needs of a model. */
export interface PromptTokenizer {
  /** `special`: control tokens written out become ids. */
  tokenize(text: string, special: boolean): Promise<readonly number[]>;
  /** Text of the user's, which changes a little from prompt to prompt. `part` tells the texts of one prompt apart. */
  tokenizeText(part: number, text: string): Promise<readonly number[]>;
  detokenize(tokens: readonly number[]): Promise<string>;
}

/** What became of one part of a form. */
export interface RenderedPart {
  /** None: control tokens, a template's own words. */
  readonly fields: readonly FimField[];
  readonly characters: number;
  readonly tokens: number;
}

export interface RenderedTokens {
  readonly tokens: readonly number[];
  readonly healed: string;
  /** In the order of the prompt; parts without text are left out. */
  readonly parts: readonly RenderedPart[];
}

/** Where the cursor's line begins in the text before the cursor. */
function lineStart(prefix: string): number {
  return prefix.lastIndexOf('\n') + 1;
}

function valueOf(field: FimField, values: FimValues): string {
  switch (field) {
    case 'head':
      return values.prefix.slice(0, lineStart(values.prefix));
    case 'line':
      return values.prefix.slice(lineStart(values.prefix));
    default:
      return values[field];
  }
}

function fill(part: FimPart & { kind: 'text' }, values: FimValues): string {
  return part.pieces
    .map((piece) => (typeof piece === 'string' ? piece : valueOf(piece.field, values)))
    .join('');
}

function fieldsIn(part: FimPart): FimField[] {
  return part.kind === 'text'
    ? part.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.field]))
    : [];
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
      const text = part.kind === 'control' ? part.text : fill(part, values);
      const say = (tokens: readonly number[], dropped = '') => ({ part, text, tokens, dropped });
      if (part.kind === 'control') {
        return say(await tokenizer.tokenize(text, true));
      }
      const tokens = text === '' ? [] : await tokenizer.tokenizeText(index, text);
      if (!endsAtCursor(part)) {
        return say(tokens);
      }
      const keep = form.parts.length === 1 ? 1 : 0;
      const healed = await healTokens(text, tokens, keep, (ids) => tokenizer.detokenize(ids));
      return say(healed.tokens, healed.dropped);
    }),
  );
  return {
    tokens: rendered.flatMap(({ tokens }) => tokens),
    healed: rendered.map(({ dropped }) => dropped).join(''),
    parts: rendered
      .filter(({ text }) => text !== '')
      .map(({ part, text, tokens }) => ({
        fields: fieldsIn(part),
        characters: text.length,
        tokens: tokens.length,
      })),
  };
}
