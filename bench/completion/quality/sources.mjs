/**
 * The sources that cursors are put into. What is fitted sees the split "calibrate" alone, and what is reported comes from the split
 * "test": other packages, and other folders of this project. None of the packages was among what the embedded model was trained on.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { root } from '../../../scripts/setup.mjs';
import { packageFolder } from './packages.mjs';

/** VS Code's language ids, by ending. */
const languages = {
  '.ts': 'typescript',
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.cc': 'cpp',
  '.h': 'cpp',
  '.py': 'python',
};

/**
 * By split: where cursors are put, and how large a share of them. hono is packed as modules that are compiled file by file, readable
 * and without types. Left out of zod: tables of translations, what only measures, and its older version, which says the same again.
 */
export const groups = {
  calibrate: [
    { source: 'mocha', package: 'mocha', take: /^lib\/.*\.js$/, share: 0.5 },
    { source: 'server', folder: 'server/src', take: /\.ts$/, share: 0.3 },
    { source: 'native', folder: 'native/src/(kv|model|quant|gguf)', take: /\.(cc|h)$/, share: 0.2 },
  ],
  test: [
    { source: 'hono', package: 'hono', take: /^dist\/(?!cjs\/|types\/).*\.js$/, share: 0.35 },
    { source: 'zod', package: 'zod', take: /^src\/v4\/(classic|core|mini)\/[^/]*\.ts$/, share: 0.2 },
    { source: 'zod tests', package: 'zod', take: /^src\/v4\/(classic|core)\/tests\/[^/]*\.ts$/, share: 0.15 },
    { source: 'client', folder: 'client/src', take: /\.ts$/, share: 0.15 },
    {
      source: 'native',
      folder: 'native/src/(engine|sample|schedule|tokenizer)',
      take: /\.(cc|h)$/,
      share: 0.15,
    },
  ],
};

/** Larger files are generated, or data. Characters. */
const mostCharacters = 200_000;
const fewestLines = 10;
/** A longer line was written by a program. */
const longestLine = 1000;

function isSource(text) {
  const lines = text.split('\n');
  return (
    text.length <= mostCharacters &&
    lines.length >= fewestLines &&
    lines.every((line) => line.length <= longestLine)
  );
}

function filesUnder(folder, at = folder) {
  return readdirSync(at, { withFileTypes: true }).flatMap((entry) => {
    const path = join(at, entry.name);
    return entry.isDirectory() ? filesUnder(folder, path) : [relative(folder, path).replaceAll('\\', '/')];
  });
}

/** What git knows of this project, so that nothing that was built or left lying about is taken for a source. */
function ownFiles() {
  const git = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (git.status !== 0) {
    throw new Error('this project\'s own sources are listed by "git ls-files", which failed');
  }
  return git.stdout.split('\0').filter((path) => path !== '');
}

function pathsOf({ package: name, folder, take }) {
  if (name !== undefined) {
    const at = packageFolder(name);
    return filesUnder(at)
      .filter((path) => take.test(path))
      .map((path) => ({ path, file: join(at, path) }));
  }
  const within = new RegExp(`^${folder}/`);
  return ownFiles()
    .filter((path) => within.test(path) && take.test(path))
    .map((path) => ({ path, file: join(root, path) }));
}

/**
 * The files of a group, in the order of their paths.
 * @returns {{ source: string, language: string, path: string, file: string, text: string }[]} `path` is what a prompt names, `file`
 *   is where it lies
 */
export function filesOf(group) {
  return pathsOf(group)
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, file }) => ({
      source: group.source,
      language: languages[extname(path)],
      path,
      file,
      text: readFileSync(file, 'utf8').replaceAll('\r\n', '\n'),
    }))
    .filter(({ text }) => isSource(text));
}

/** What was read, for the report: names, sizes, and a hash that changes with any of it. */
export function describe(source, files) {
  const hash = createHash('sha256');
  for (const { path, text } of files) {
    hash.update(`${path}\n${text}\n`);
  }
  return {
    ...{ source, files: files.length, characters: files.reduce((sum, { text }) => sum + text.length, 0) },
    sha256: hash.digest('hex').slice(0, 16),
  };
}
