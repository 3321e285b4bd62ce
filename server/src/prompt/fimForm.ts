/**
 * How a model wants to see text before and behind the cursor ("fill in the middle", Bavarian et al. 2022). The form is data:
 * a template out of the GGUF file's own header, or the plain prefix for models that were not trained to fill in.
 */

export interface FimValues {
  /** Workspace path of the file, with forward slashes. */
  readonly path: string;
  readonly prefix: string;
  readonly suffix: string;
}
/**
 * The prefix may be shown in two pieces: `head`, the lines before the cursor's, and `line`, the cursor's up to it. Where the line stands
 * at the prompt's end, typing in it changes nothing before it.
 */
export type FimField = keyof FimValues | 'head' | 'line';

export type FimPart =
  /** A control token, or a chat template's own words. The only text of a prompt that may become control tokens. */
  | { readonly kind: 'control'; readonly text: string }
  /** Text between two control tokens; it is tokenized as a whole. */
  | { readonly kind: 'text'; readonly pieces: readonly (string | { readonly field: FimField })[] };

export interface FimForm {
  /** For people: 'suffix-first contiguous', 'prefix only'. */
  readonly name: string;
  readonly parts: readonly FimPart[];
  readonly usesSuffix: boolean;
}

const controlToken = /(<\|[a-z_]+\|>)/;
const placeholder = /(\{(?:path|prefix|suffix|head|line)\})/;

function parsePieces(text: string): (string | { readonly field: FimField })[] {
  return text
    .split(placeholder)
    .filter((piece) => piece !== '')
    .map((piece) => (placeholder.test(piece) ? { field: piece.slice(1, -1) as FimField } : piece));
}

/** Fields that end at the cursor: healing drops their last tokens. */
export function endsAtCursor(part: FimPart): boolean {
  return (
    part.kind === 'text' &&
    part.pieces.some(
      (piece) => typeof piece !== 'string' && (piece.field === 'prefix' || piece.field === 'line'),
    )
  );
}

/** All fields, in the order in which the prompt shows them. */
function fieldsOf(parts: readonly FimPart[]): FimField[] {
  return parts.flatMap((part) =>
    part.kind === 'text'
      ? part.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.field]))
      : [],
  );
}

/** Undefined when what ends at the cursor is missing, or could not be told from other text between two control tokens. */
export function formOf(name: string, parts: readonly FimPart[]): FimForm | undefined {
  const atCursor = parts.filter(endsAtCursor);
  const fields = fieldsOf(parts);
  const alone = atCursor.length === 1 && atCursor[0]?.kind === 'text' && atCursor[0].pieces.length === 1;
  // Either the prefix, or the line with its head: text that is shown twice, or only in half, is a mistake.
  const whole = fields.includes('line') === fields.includes('head');
  return alone && whole ? { name, parts, usesSuffix: fields.includes('suffix') } : undefined;
}

/**
 * Reads a template such as `<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}`. Undefined when the prefix is missing, or
 * shares its place between two control tokens with other fields: then its tokens could not be told from theirs.
 */
export function parseFimTemplate(name: string, template: string): FimForm | undefined {
  const parts = template
    .split(controlToken)
    .filter((text) => text !== '')
    .map((text): FimPart =>
      controlToken.test(text) ? { kind: 'control', text } : { kind: 'text', pieces: parsePieces(text) },
    );
  return formOf(name, parts);
}

/**
 * Whether a prompt's text begins with what stands before the cursor, so that prompts for two places of a file share all up to the first
 * of them. With the suffix first they share nothing.
 */
export function beginsWithPrefix(form: FimForm): boolean {
  const first = fieldsOf(form.parts).find((field) => field !== 'path');
  return first === 'prefix' || first === 'head';
}

/** For models that continue text and know nothing of what follows. */
export const prefixOnlyForm: FimForm = {
  name: 'prefix only',
  parts: [{ kind: 'text', pieces: [{ field: 'prefix' }] }],
  usesSuffix: false,
};

/** GGUF keys that carry a template, the better form first: with the prefix last, typing only appends. */
const templateKeys = [
  ['suffixFirst', 'fim.template.spm', 'suffix-first contiguous'],
  ['prefixFirst', 'fim.template.psm', 'prefix-first'],
] as const;

export type FimOrder = (typeof templateKeys)[number][0];

/** The forms that a model's header names, the better one first. */
export function headerForms(
  metadata: Readonly<Record<string, string>>,
): readonly { readonly order: FimOrder; readonly key: string; readonly form: FimForm }[] {
  return templateKeys.flatMap(([order, key, name]) => {
    const template = metadata[key];
    const form = template === undefined ? undefined : parseFimTemplate(name, template);
    return form === undefined ? [] : [{ order, key, form }];
  });
}

/** The form that a model's header asks for. */
export function fimFormOf(metadata: Readonly<Record<string, string>>): FimForm {
  return headerForms(metadata)[0]?.form ?? prefixOnlyForm;
}
