/**
 * Where tests of a file belong, as the project has its own: beside it, in a folder beside it, or in a tree of tests that mirrors the sources. Found
 * from the names of the files that are there. Pure; paths have forward slashes and lie in one workspace folder.
 */

export interface TestPlace {
  readonly path: string;
  /** There is such a file: tests of this file are in it. */
  readonly exists: boolean;
  /** A file of tests that shows how they are written here; '' = there is none. */
  readonly example: string;
}

/** What is put around a file's own name to name its tests. */
interface Mark {
  readonly before: string;
  readonly after: string;
}

/** Of the marks that are in use, for the names that carry them. */
const marks: readonly Mark[] = [
  { before: '', after: '.test' },
  { before: '', after: '.spec' },
  { before: 'test_', after: '' },
  { before: '', after: '_test' },
  { before: '', after: '-test' },
  { before: '', after: '_spec' },
  { before: '', after: 'Tests' },
  { before: '', after: 'Test' },
];

/** Where nobody has written a test yet: what most projects in a language do. */
const usual: Readonly<Record<string, { readonly mark: Mark; readonly folder: string }>> = {
  py: { mark: { before: 'test_', after: '' }, folder: 'tests' },
  go: { mark: { before: '', after: '_test' }, folder: '' },
  rb: { mark: { before: '', after: '_spec' }, folder: 'spec' },
  java: { mark: { before: '', after: 'Test' }, folder: '' },
  kt: { mark: { before: '', after: 'Test' }, folder: '' },
  cs: { mark: { before: '', after: 'Tests' }, folder: '' },
  php: { mark: { before: '', after: 'Test' }, folder: 'tests' },
  swift: { mark: { before: '', after: 'Tests' }, folder: '' },
  dart: { mark: { before: '', after: '_test' }, folder: 'test' },
  rs: { mark: { before: '', after: '_test' }, folder: 'tests' },
  cc: { mark: { before: '', after: '_test' }, folder: '' },
  cpp: { mark: { before: '', after: '_test' }, folder: '' },
  c: { mark: { before: '', after: '_test' }, folder: '' },
};
const usualElsewhere = { mark: { before: '', after: '.test' }, folder: '' };

/** Languages whose files test each other's. */
const families: readonly (readonly string[])[] = [
  ['ts', 'tsx', 'mts', 'cts', 'js', 'jsx', 'mjs', 'cjs'],
  ['cc', 'cpp', 'cxx', 'h', 'hpp', 'c'],
];

interface Split {
  readonly folder: string;
  readonly stem: string;
  readonly extension: string;
}

function split(path: string): Split {
  const at = path.lastIndexOf('/');
  const name = path.slice(at + 1);
  const dot = name.lastIndexOf('.');
  return {
    folder: at < 0 ? '' : path.slice(0, at),
    stem: dot <= 0 ? name : name.slice(0, dot),
    extension: dot <= 0 ? '' : name.slice(dot + 1),
  };
}

function familyOf(extension: string): readonly string[] {
  return families.find((family) => family.includes(extension)) ?? [extension];
}

function markOf(stem: string): Mark | undefined {
  return marks.find(
    ({ before, after }) =>
      stem.startsWith(before) && stem.endsWith(after) && stem.length > before.length + after.length,
  );
}

const bare = (stem: string, { before, after }: Mark): string =>
  stem.slice(before.length, stem.length - after.length);
const join = (folder: string, name: string): string =>
  folder === '' ? name : name === '' ? folder : `${folder}/${name}`;

/** How much of their folders two paths share, from the front. */
function shared(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  let count = 0;
  while (count < left.length && left[count] === right[count]) {
    count += 1;
  }
  return count;
}

/** The part of two folders' ends that is the same, and what stands before it in each. */
function mirrored(source: string, tests: string): { readonly source: string; readonly tests: string } {
  const [left, right] = [source.split('/'), tests.split('/')];
  while (left.length > 0 && right.length > 0 && left.at(-1) === right.at(-1)) {
    left.pop();
    right.pop();
  }
  return { source: left.join('/'), tests: right.join('/') };
}

const isIn = (folder: string, root: string): boolean =>
  root === '' || folder === root || folder.startsWith(`${root}/`);

interface TestFile extends Split {
  readonly path: string;
  readonly mark: Mark;
}

/** `files`: all of the workspace folder. Undefined where the file is itself one of tests. */
export function testPlaceOf(path: string, files: readonly string[]): TestPlace | undefined {
  const own = split(path);
  if (own.extension === '' || markOf(own.stem) !== undefined) {
    return undefined;
  }
  const family = familyOf(own.extension);
  const tests = files
    .flatMap((file): TestFile[] => {
      const parts = split(file);
      const mark = markOf(parts.stem);
      return mark === undefined || !family.includes(parts.extension) ? [] : [{ ...parts, path: file, mark }];
    })
    .sort((a, b) => shared(b.path, path) - shared(a.path, path) || (a.path < b.path ? -1 : 1));
  const there = tests.find((test) => bare(test.stem, test.mark) === own.stem && isTestOf(test, own));
  const example = tests.find((test) => test !== there)?.path ?? '';
  if (there !== undefined) {
    return { path: there.path, exists: true, example: there.path };
  }
  const sources = new Map(files.map((file) => [file, split(file)]));
  const inSamePlace = tests
    .map((test) => placeLike(test, own, [...sources.values()]))
    .find((place) => place !== undefined);
  const placed = inSamePlace ?? placeByDefault(tests, own);
  return { path: placed, exists: files.includes(placed), example };
}

const testFolder = /^(?:tests?|specs?|__tests__)$/;
/** Folders within one of tests that are no part of what is tested. */
const kindFolder = /^(?:unit|integration|src|main|java|kotlin)$/;

/** Whether tests of this name are the file's: beside it, in a folder of tests beside it, or in a tree of tests at the place that mirrors its own. */
function isTestOf(test: TestFile, own: Split): boolean {
  if (test.folder === own.folder) {
    return true;
  }
  const folders = test.folder.split('/');
  const at = folders.findIndex((name) => testFolder.test(name));
  if (at < 0) {
    return false;
  }
  const rest = folders.slice(at + 1);
  while (kindFolder.test(rest[0] ?? '')) {
    rest.shift();
  }
  const below = rest.join('/');
  const isMirrored = below === '' || own.folder === below || own.folder.endsWith(`/${below}`);
  return isMirrored && (folders[at] !== '__tests__' || folders.slice(0, at).join('/') === own.folder);
}

/** Where the file's tests are if they are placed as those of another one. */
function placeLike(test: TestFile, own: Split, sources: readonly Split[]): string | undefined {
  const name = `${test.mark.before}${own.stem}${test.mark.after}.${test.extension}`;
  const of = bare(test.stem, test.mark);
  const family = familyOf(own.extension);
  const source = sources
    .filter(
      ({ stem, extension, folder }) =>
        stem === of && family.includes(extension) && !/(?:^|\/)__tests__$/.test(folder),
    )
    .sort(
      (a, b) => mirrored(a.folder, test.folder).tests.length - mirrored(b.folder, test.folder).tests.length,
    )[0];
  if (source === undefined) {
    return undefined;
  }
  if (test.folder === source.folder) {
    return join(own.folder, name);
  }
  if (
    isIn(test.folder, source.folder) &&
    test.folder.slice(source.folder.length).split('/').filter(Boolean).length === 1
  ) {
    return join(join(own.folder, test.folder.split('/').at(-1) ?? ''), name);
  }
  const roots = mirrored(source.folder, test.folder);
  if (isIn(own.folder, roots.source)) {
    const below = own.folder.slice(roots.source.length).replace(/^\//, '');
    return join(join(roots.tests, below), name);
  }
  return undefined;
}

function placeByDefault(tests: readonly TestFile[], own: Split): string {
  const [first] = tests;
  if (first !== undefined) {
    return join(first.folder, `${first.mark.before}${own.stem}${first.mark.after}.${first.extension}`);
  }
  const { mark, folder } = Object.hasOwn(usual, own.extension)
    ? (usual[own.extension] ?? usualElsewhere)
    : usualElsewhere;
  const name = `${mark.before}${own.stem}${mark.after}.${own.extension}`;
  const maven = /^(.*\/)?src\/main\//.test(`${own.folder}/`)
    ? own.folder.replace('src/main', 'src/test')
    : undefined;
  return join(maven ?? (folder === '' ? own.folder : folder), name);
}
