/**
 * How other material than the file itself is written into a prompt; it stands before everything else. Models that know the tokens for it
 * were trained on repositories written file by file (`<|repo_name|>R\n<|file_sep|>path\ntext…`, StarCoder 2's and Qwen2.5-Coder's
 * form). Those that only continue text get what they have seen in source files: comments of the file's own language, before its first
 * line.
 */
import type { FimForm } from './fimForm';
import type { PromptTokenizer } from './renderPrompt';

/** What is shown of a part. */
export interface ContextText {
  readonly path: string;
  /** Whole lines, each ended by '\n'. */
  readonly text: string;
  /** 'recentEdit': the text is a diff. */
  readonly source: string;
}

export type ContextStyle = 'files' | 'comments' | 'none';

/** A piece of a prompt; only of a control one may become a control token. */
export interface PromptPiece {
  readonly control: boolean;
  readonly text: string;
}

const fileToken = '<|file_sep|>';
export const repositoryToken = '<|repo_name|>';

/**
 * The style that goes with a form: files where the form itself begins with the file's `<|file_sep|>path`, comments where it is nothing
 * but the file's text. In other forms there is no place for other files that a model was trained on.
 */
export function contextStyleOf({ parts }: FimForm): ContextStyle {
  const [first] = parts;
  if (first?.kind === 'control') {
    return first.text === fileToken ? 'files' : 'none';
  }
  return parts.every(({ kind }) => kind === 'text') ? 'comments' : 'none';
}

/** What begins a comment that ends with its line, and the languages that have it. */
const lineComments = [
  [
    '//',
    'c cpp csharp cuda-cpp dart fsharp glsl go groovy hlsl java javascript javascriptreact jsonc kotlin less objective-c objective-cpp php',
  ],
  [
    '//',
    'proto rust scala scss shaderlab solidity swift typescript typescriptreact verilog systemverilog zig',
  ],
  [
    '#',
    'cmake coffeescript dockerfile elixir gdscript graphql julia makefile nim nix perl powershell properties',
  ],
  ['#', 'python r ruby shellscript terraform toml yaml'],
  ['--', 'ada elm haskell lua purescript sql vhdl'],
  [';;', 'clojure lisp racket scheme'],
  ['%', 'erlang latex matlab prolog tex'],
] as const;
const commentOf = new Map<string, string>(
  lineComments.flatMap(([comment, languages]) => languages.split(' ').map((id) => [id, comment] as const)),
);

/** What begins a comment that ends with its line; undefined where the language has none, or is not known. */
export function lineComment(languageId: string): string | undefined {
  return commentOf.get(languageId);
}

/** What stands before all parts: the repository's name, where it has one. */
export function contextHead(style: ContextStyle, repository: string): readonly PromptPiece[] {
  return style === 'files' && repository !== ''
    ? [
        { control: true, text: repositoryToken },
        { control: false, text: `${repository}\n` },
      ]
    : [];
}

/** One part. Empty when it cannot be written in this style and language. */
export function contextPieces(
  style: ContextStyle,
  part: ContextText,
  languageId: string,
): readonly PromptPiece[] {
  const path = part.source === 'recentEdit' ? `${part.path}.diff` : part.path;
  if (style === 'files') {
    return [
      { control: true, text: fileToken },
      { control: false, text: `${path}\n${part.text}` },
    ];
  }
  const comment = style === 'comments' ? lineComment(languageId) : undefined;
  if (comment === undefined) {
    return [];
  }
  const lines = part.text.split('\n').slice(0, -1);
  const text = [`Path: ${path}`, ...lines].map((line) => `${comment} ${line}`.trimEnd()).join('\n');
  return [{ control: false, text: `${text}\n` }];
}

/** The tokens of pieces, one after the other. */
export async function tokenizePieces(
  pieces: readonly PromptPiece[],
  tokenizer: Pick<PromptTokenizer, 'tokenize'>,
): Promise<readonly number[]> {
  const tokens = await Promise.all(pieces.map(({ text, control }) => tokenizer.tokenize(text, control)));
  return tokens.flat();
}
