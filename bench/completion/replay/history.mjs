/** What to script recordings from: this project's git history, or where there is none (an unpacked archive) its files as they are. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Random } from './random.mjs';

const sources =
  /^(?:server|client|bench|scripts|protocol|native|test\/unit|test\/support)\/.*\.(?:ts|mjs|cc|h)$/;
/** Tables of numbers are written by nobody. */
const tables = /unicode_table|_cases\.|testdata/;
/** Lines. Longer files are not written in one go, larger changes not by hand. */
const longestNew = 90;
const longestChange = 80;
const longestFile = 700;

function git(root, ...args) {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

const lineCount = (text) => text.split('\n').length;

/** { hash, files: [{ status, path, added, removed }] }, the oldest first: later commits change nothing of what was before. */
function commits(root) {
  const log = git(
    ...[root, 'log', '--reverse', '--no-merges', '--no-renames', '--diff-filter=AM'],
    ...['--format=%x00%H', '--raw', '--numstat'],
  );
  return log
    .split('\0')
    .slice(1)
    .map((entry) => {
      const [hash, ...lines] = entry.split('\n');
      const status = new Map();
      const files = [];
      for (const line of lines) {
        const raw = /^:\S+ \S+ \S+ \S+ ([AM])\t(.*)$/.exec(line);
        const numbers = /^(\d+)\t(\d+)\t(.*)$/.exec(line);
        if (raw !== null) {
          status.set(raw[2], raw[1]);
        } else if (numbers !== null) {
          const [, added, removed, path] = numbers;
          files.push({ path, added: Number(added), removed: Number(removed), status: status.get(path) });
        }
      }
      return { hash, files };
    });
}

function worthTyping({ path, added, removed, status }) {
  return (
    sources.test(path) &&
    !tables.test(path) &&
    (status === 'A' ? added >= 15 && added <= longestNew : added >= 2 && added + removed <= longestChange)
  );
}

/** Sittings of the history, a commit each, in an order that the seed decides; undefined where there is no history. */
export function historySittings(root, seed) {
  let all;
  try {
    all = commits(root);
  } catch {
    return undefined; // no git, or no repository
  }
  const candidates = all
    .map(({ hash, files }) => ({ hash, files: files.filter(worthTyping) }))
    .filter(({ files }) => files.length > 0);
  if (candidates.length < 20) {
    return undefined; // a shallow clone
  }
  const random = new Random(seed);
  const order = candidates.map((commit) => ({ commit, key: random.next() })).sort((a, b) => a.key - b.key);
  return { first: candidates[0].hash, commits: candidates.length, sittings: lazily(root, order, random) };
}

function* lazily(root, order, random) {
  for (const { commit } of order) {
    const ranked = commit.files; // files that exist are where most of a day is spent: of new ones one at the most
    const changes = ranked.filter(({ status }) => status === 'M').slice(0, 1 + random.below(3));
    const fresh = ranked
      .filter(({ status }) => status === 'A')
      .slice(0, random.chance(changes.length === 0 ? 0.5 : 0.15) ? 1 : 0);
    const files = [...changes, ...fresh].flatMap(({ path, status }) => {
      const after = git(root, 'show', `${commit.hash}:${path}`);
      const before = status === 'A' ? '' : git(root, 'show', `${commit.hash}^:${path}`);
      const usable = lineCount(before) <= longestFile && !/\r|[\udc00-\udfff]/.test(before + after);
      return usable ? [{ path, before, after }] : [];
    });
    if (files.length > 0) {
      yield { name: commit.hash.slice(0, 7), files };
    }
  }
}

function filesIn(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? filesIn(path) : /\.ts$/.test(path) ? [path] : [];
    });
}

/** The server's sources as they are now, those of whole folders behind each other. */
export function ownFiles(root) {
  return [
    'server/src/completion',
    'server/src/models',
    'server/src/prompt',
    'server/src/lsp',
    'server/src/util',
    'client/src',
  ]
    .flatMap((folder) => filesIn(join(root, folder)))
    .map((path) => ({ path: relative(root, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }));
}

/** Without a history: every file is written anew. */
export function fileSittings(root) {
  return ownFiles(root)
    .filter(({ text }) => lineCount(text) >= 15 && lineCount(text) <= longestNew)
    .map(({ path, text }) => ({ name: 'now', files: [{ path, before: '', after: text }] }));
}

/** One file of so many lines, of this project's own put behind each other. */
export function longText(root, lines) {
  let text = '';
  for (const file of ownFiles(root)) {
    text += `${text === '' ? '' : '\n'}${file.text}`;
    if (lineCount(text) > lines) {
      break;
    }
  }
  return `${text.split('\n').slice(0, lines).join('\n')}\n`;
}
