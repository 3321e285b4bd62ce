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
export type FimField = keyof FimValues;

export type FimPart =
  /** A control token, written out. The only text of a prompt that may become a control token. */
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
const placeholder = /(\{(?:path|prefix|suffix)\})/;

function parsePieces(text: string): (string | { readonly field: FimField })[] {
  return text
    .split(placeholder)
    .filter((piece) => piece !== '')
    .map((piece) => (placeholder.test(piece) ? { field: piece.slice(1, -1) as FimField } : piece));
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
  const fields = parts.flatMap((part) => (part.kind === 'text' ? [part.pieces] : []));
  const withPrefix = fields.filter((pieces) =>
    pieces.some((piece) => typeof piece !== 'string' && piece.field === 'prefix'),
  );
  if (withPrefix.length !== 1 || withPrefix[0]?.length !== 1) {
    return undefined;
  }
  const usesSuffix = fields.some((pieces) =>
    pieces.some((piece) => typeof piece !== 'string' && piece.field === 'suffix'),
  );
  return { name, parts, usesSuffix };
}

/**
 * Whether a prompt's text begins with what stands before the cursor, so that prompts for two places of a file share all up to the first
 * of them. With the suffix first they share nothing.
 */
export function beginsWithPrefix(form: FimForm): boolean {
  const fields = form.parts.flatMap((part) =>
    part.kind === 'text'
      ? part.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.field]))
      : [],
  );
  return fields.find((field) => field !== 'path') === 'prefix';
}

/** For models that continue text and know nothing of what follows. */
export const prefixOnlyForm: FimForm = {
  name: 'prefix only',
  parts: [{ kind: 'text', pieces: [{ field: 'prefix' }] }],
  usesSuffix: false,
};

/** GGUF keys that carry a template, the better form first: with the prefix last, typing only appends. */
const templateKeys = [
  ['fim.template.spm', 'suffix-first contiguous'],
  ['fim.template.psm', 'prefix-first'],
] as const;

/** The form that a model's header asks for. */
export function fimFormOf(metadata: Readonly<Record<string, string>>): FimForm {
  for (const [key, name] of templateKeys) {
    const template = metadata[key];
    const form = template === undefined ? undefined : parseFimTemplate(name, template);
    if (form !== undefined) {
      return form;
    }
  }
  return prefixOnlyForm;
}
