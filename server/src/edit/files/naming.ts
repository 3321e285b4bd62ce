/** How files beside a new one are called: told to the model, and applied to what it says where there is no doubt. Pure. */

export type CaseStyle = 'kebab' | 'snake' | 'camel' | 'pascal';

export interface Naming {
  /** Of names of several words; undefined = there is no doubt-free one. */
  readonly style: CaseStyle | undefined;
  /** Between a test's name and its extension ('.test', '.spec', '_test'); '' = tests are not told so, or there is doubt. */
  readonly testMark: string;
  /** Of a family of languages, the one that is written here: 'js' → 'ts'. */
  readonly extensions: ReadonlyMap<string, string>;
}

/** Names of several words from which a style counts, and the share that must have it. */
const fewestNames = 3;
const shareOfStyle = 0.8;
const fewestTests = 2;
const fewestOfExtension = 3;

const patterns: readonly (readonly [CaseStyle, RegExp])[] = [
  ['kebab', /^[a-z0-9]+(?:-[a-z0-9]+)+$/],
  ['snake', /^[a-z0-9]+(?:_[a-z0-9]+)+$/],
  ['camel', /^[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+$/],
  ['pascal', /^(?:[A-Z][a-z0-9]+)+$/],
];

const testMarks = ['.test', '.spec', '_test', '_spec', '-test'] as const;
/** Extensions of one language with its types, and without. */
const families: readonly (readonly [string, string])[] = [
  ['js', 'ts'],
  ['jsx', 'tsx'],
];
/** Names that tools look for: they are as they are. */
const fixedNames =
  /^(?:[A-Z0-9_]+|Makefile|Dockerfile|Gemfile|Rakefile|Cargo|go|mod|index|main|__\w+__|setup|conftest)$/;

/** In these, most names of several words are a tool's: docker-compose.yml, package-lock.json. */
const ofTools = /^\.(?:json[5c]?|ya?ml|toml|xml|ini|cfg|conf|lock|txt|md|sh|bat|cmd|ps1)$/;

interface Pieces {
  readonly folder: string;
  readonly stem: string;
  /** One of the test marks, or ''. */
  readonly mark: string;
  /** With its dot; '' = there is none. */
  readonly extension: string;
}

function piecesOf(path: string): Pieces {
  const cut = path.lastIndexOf('/') + 1;
  const name = path.slice(cut);
  const dot = name.lastIndexOf('.');
  const bare = dot <= 0 ? name : name.slice(0, dot);
  const mark = testMarks.find((each) => bare.endsWith(each) && bare.length > each.length) ?? '';
  return {
    folder: path.slice(0, cut),
    stem: bare.slice(0, bare.length - mark.length),
    mark,
    extension: dot <= 0 ? '' : name.slice(dot),
  };
}

export function styleOf(stem: string): CaseStyle | undefined {
  return patterns.find(([, pattern]) => pattern.test(stem))?.[0];
}

/** Only those of several words say anything: `util` is every style. */
function hasSeveralWords(stem: string): boolean {
  const style = styleOf(stem);
  return style !== undefined && (style !== 'pascal' || /[a-z0-9][A-Z]/.test(stem));
}

/** `beside`: names in the same folder; `all`: paths of the workspace, for what one folder does not say. */
export function namingOf(beside: readonly string[], all: readonly string[]): Naming {
  const styleAmong = (paths: readonly string[]): CaseStyle | undefined => {
    const stems = paths.map((path) => piecesOf(path).stem.split('.')[0] ?? '').filter(hasSeveralWords);
    const counts = new Map<CaseStyle, number>();
    for (const stem of stems) {
      const style = styleOf(stem) as CaseStyle;
      counts.set(style, (counts.get(style) ?? 0) + 1);
    }
    const [best] = [...counts].sort((a, b) => b[1] - a[1]);
    return best !== undefined && stems.length >= fewestNames && best[1] >= stems.length * shareOfStyle
      ? best[0]
      : undefined;
  };
  const markAmong = (paths: readonly string[]): string => {
    const marks = paths.map((path) => piecesOf(path).mark).filter((mark) => mark !== '');
    const [first = ''] = marks;
    return marks.length >= fewestTests && marks.every((mark) => mark === first) ? first : '';
  };
  const extensions = new Map<string, string>();
  const count = (extension: string): number =>
    all.filter(
      (path) => path.endsWith(`.${extension}`) && !path.includes('.config.') && !path.endsWith('.d.ts'),
    ).length;
  for (const [plain, typed] of families) {
    if (count(typed) >= fewestOfExtension && count(plain) === 0) {
      extensions.set(plain, typed);
    } else if (count(plain) >= fewestOfExtension && count(typed) === 0) {
      extensions.set(typed, plain);
    }
  }
  return {
    style: styleAmong(beside) ?? (beside.length === 0 ? styleAmong(all) : undefined),
    testMark: markAmong(beside) || markAmong(all),
    extensions,
  };
}

function wordsOf(stem: string): readonly string[] {
  return stem
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[\s_-]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function inStyle(stem: string, style: CaseStyle): string {
  const words = wordsOf(stem);
  switch (style) {
    case 'kebab':
      return words.join('-');
    case 'snake':
      return words.join('_');
    case 'camel':
      return words.map((word, i) => (i === 0 ? word : capital(word))).join('');
    case 'pascal':
      return words.map(capital).join('');
  }
}

/** A path as the files beside it are called. What is not sure stays as it was. */
export function asNamed(path: string, { style, testMark, extensions }: Naming): string {
  const { folder, stem, mark, extension } = piecesOf(path);
  const isConfig = path.includes('.config.') || stem.startsWith('.') || ofTools.test(extension);
  const other = isConfig ? undefined : extensions.get(extension.slice(1));
  const named =
    style === undefined || isConfig || stem.includes('.') || fixedNames.test(stem) || !hasSeveralWords(stem)
      ? stem
      : inStyle(stem, style);
  const marked = mark !== '' && testMark !== '' ? testMark : mark;
  return `${folder}${named}${marked}${other === undefined ? extension : `.${other}`}`;
}

/** What a prompt says of it; '' = nothing. */
export function namingInWords({ style, testMark }: Naming): string {
  const names = {
    kebab: 'kebab-case',
    snake: 'snake_case',
    camel: 'camelCase',
    pascal: 'PascalCase',
  } as const;
  return [
    ...(style === undefined ? [] : [`Files here are named in ${names[style]}.`]),
    ...(testMark === '' ? [] : [`Names of tests end with ${testMark} before the extension.`]),
  ].join(' ');
}
