/** What is known of languages: the grammar that parses one, and how its text is cut into code, strings and comments. */

/** A kind of string. */
export interface Quote {
  readonly open: string;
  readonly close: string;
  readonly multiLine: boolean;
  /** Whether a backslash takes the next character's meaning away. */
  readonly escapes: boolean;
  /** Whether `${` leads back into code, up to its `}`. */
  readonly holes: boolean;
}

export interface Lexis {
  readonly lineComments: readonly string[];
  readonly blockComments: readonly (readonly [open: string, close: string])[];
  /** Longer ones first where one begins like another. */
  readonly quotes: readonly Quote[];
  /** `/…/` where a value may stand. */
  readonly regex: boolean;
  /** `#` begins a comment only at a line's start or behind a space ("$#" and "a#b" are none). */
  readonly spacedHash: boolean;
  /** `'a` may be a lifetime: a quote of one only closes a character later. */
  readonly lifetimes: boolean;
  /** `1'000` is a number. */
  readonly digitQuotes: boolean;
  /** R"x( … )x" of C++, r#" … "# of Rust. */
  readonly raw: 'cpp' | 'rust' | undefined;
  /** Whether brackets have to match: not in prose. */
  readonly brackets: boolean;
}

/** What tells that the body of a block is to be written: `{`, a `:` at a line's end, or words such as `do` and `then`. */
export type BlockStyle = 'braces' | 'colon' | 'words' | 'none';

export interface LanguageTraits {
  /** The name in tree-sitter-NAME.wasm; undefined = the rules alone. */
  readonly grammar: string | undefined;
  readonly lexis: Lexis;
  readonly blocks: BlockStyle;
}

function quote(open: string, more: Partial<Quote> = {}): Quote {
  return { open, close: open, multiLine: false, escapes: true, holes: false, ...more };
}

const double = quote('"');
const single = quote("'");
const triple = quote('"""', { multiLine: true });
const longDouble = quote('"', { multiLine: true });
const longSingle = quote("'", { multiLine: true });

const plain: Lexis = {
  lineComments: [],
  blockComments: [],
  quotes: [double],
  regex: false,
  spacedHash: false,
  lifetimes: false,
  digitQuotes: false,
  raw: undefined,
  brackets: true,
};
const cLike: Lexis = {
  ...plain,
  lineComments: ['//'],
  blockComments: [['/*', '*/']],
  quotes: [double, single],
};
const script: Lexis = {
  ...cLike,
  quotes: [double, single, quote('`', { multiLine: true, holes: true })],
  regex: true,
};
const modern: Lexis = { ...cLike, quotes: [triple, double, single] };
const hash: Lexis = { ...plain, lineComments: ['#'], quotes: [double, single] };
const shell: Lexis = { ...hash, spacedHash: true, quotes: [longDouble, { ...longSingle, escapes: false }] };
const dashes: Lexis = { ...plain, lineComments: ['--'], quotes: [double, single] };
const prose: Lexis = { ...plain, quotes: [], brackets: false };

const cpp: Lexis = { ...cLike, digitQuotes: true, raw: 'cpp' };
const csharp: Lexis = {
  ...modern,
  quotes: [
    triple,
    quote('@"', { close: '"', multiLine: true, escapes: false }),
    quote('$@"', { close: '"', multiLine: true, escapes: false }),
    double,
    single,
  ],
};
const go: Lexis = { ...cLike, quotes: [double, single, quote('`', { multiLine: true, escapes: false })] };
const rust: Lexis = { ...cLike, quotes: [longDouble, single], lifetimes: true, raw: 'rust' };
const php: Lexis = { ...cLike, lineComments: ['//', '#'], quotes: [longDouble, longSingle] };
const python: Lexis = { ...hash, quotes: [triple, quote("'''", { multiLine: true }), double, single] };
const ruby: Lexis = { ...hash, quotes: [longDouble, longSingle, quote('`')] };

function traits(grammar: string | undefined, lexis: Lexis, blocks: BlockStyle): LanguageTraits {
  return { grammar, lexis, blocks };
}

/** By VS Code's language ids. */
const languages: Readonly<Record<string, LanguageTraits>> = {
  typescript: traits('typescript', script, 'braces'),
  typescriptreact: traits('tsx', script, 'braces'),
  javascript: traits('javascript', script, 'braces'),
  javascriptreact: traits('javascript', script, 'braces'),
  python: traits('python', python, 'colon'),
  cpp: traits('cpp', cpp, 'braces'),
  c: traits('cpp', cpp, 'braces'), // near enough for blocks, comments and strings
  csharp: traits('c-sharp', csharp, 'braces'),
  go: traits('go', go, 'braces'),
  java: traits('java', modern, 'braces'),
  rust: traits('rust', rust, 'braces'),
  ruby: traits('ruby', ruby, 'words'),
  php: traits('php', php, 'braces'),
  css: traits('css', { ...cLike, lineComments: [] }, 'braces'),
  shellscript: traits('bash', shell, 'words'),
  scss: traits(undefined, cLike, 'braces'),
  less: traits(undefined, cLike, 'braces'),
  json: traits(undefined, { ...cLike, quotes: [double] }, 'none'),
  jsonc: traits(undefined, { ...cLike, quotes: [double] }, 'none'),
  kotlin: traits(undefined, modern, 'braces'),
  swift: traits(undefined, { ...modern, quotes: [triple, double] }, 'braces'),
  scala: traits(undefined, { ...modern, lifetimes: true }, 'braces'),
  dart: traits(undefined, modern, 'braces'),
  groovy: traits(undefined, modern, 'braces'),
  'objective-c': traits(undefined, cLike, 'braces'),
  'objective-cpp': traits(undefined, cpp, 'braces'),
  'cuda-cpp': traits(undefined, cpp, 'braces'),
  zig: traits(undefined, cLike, 'braces'),
  lua: traits(undefined, { ...dashes, blockComments: [['--[[', ']]']] }, 'words'),
  elixir: traits(undefined, { ...hash, quotes: [triple, longDouble] }, 'words'),
  julia: traits(undefined, { ...hash, quotes: [triple, double] }, 'words'),
  perl: traits(undefined, { ...shell, quotes: [longDouble, longSingle] }, 'braces'),
  r: traits(undefined, hash, 'braces'),
  powershell: traits(undefined, { ...shell, blockComments: [['<#', '#>']] }, 'braces'),
  sql: traits(undefined, { ...dashes, blockComments: [['/*', '*/']] }, 'none'),
  haskell: traits(undefined, { ...dashes, blockComments: [['{-', '-}']], quotes: [double] }, 'none'),
  yaml: traits(undefined, { ...shell, quotes: [double] }, 'none'),
  toml: traits(undefined, { ...hash, quotes: [triple, double, single] }, 'none'),
  dockerfile: traits(undefined, { ...shell, quotes: [double] }, 'none'),
  makefile: traits(undefined, { ...shell, quotes: [] }, 'none'),
  html: traits(undefined, { ...prose, blockComments: [['<!--', '-->']] }, 'none'),
  xml: traits(undefined, { ...prose, blockComments: [['<!--', '-->']] }, 'none'),
  vue: traits(undefined, { ...prose, blockComments: [['<!--', '-->']] }, 'none'),
  svelte: traits(undefined, { ...prose, blockComments: [['<!--', '-->']] }, 'none'),
  handlebars: traits(undefined, { ...prose, blockComments: [['<!--', '-->']] }, 'none'),
  markdown: traits(undefined, prose, 'none'),
  plaintext: traits(undefined, prose, 'none'),
  latex: traits(undefined, { ...prose, lineComments: ['%'] }, 'none'),
};

/** Of a language that nobody knows, brackets are taken to match and `"` to begin a string, and no more. */
const unknown = traits(undefined, plain, 'none');

export function traitsOf(languageId: string): LanguageTraits {
  return Object.hasOwn(languages, languageId) ? (languages[languageId] as LanguageTraits) : unknown;
}

/** Names of all grammars, for the build and for tests. */
export const grammarNames: readonly string[] = [
  ...new Set(Object.values(languages).flatMap(({ grammar }) => grammar ?? [])),
].sort();
