/** What commits of this project changed in single files: texts before and after. */
import { execFileSync } from 'node:child_process';

const sources = /\.(?:ts|mjs|cc|h)$/;
/** Tables of numbers are written by nobody. */
const tables = /unicode_table|_cases\.|testdata|fixtures/;
/** UTF-16 units. */
const longest = 60_000;
/** A shallow clone has fewer. */
const leastCommits = 40;

function git(root, args, input) {
  return execFileSync('git', args, {
    ...{ cwd: root, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'ignore'] },
    ...(input !== undefined && { input }),
  });
}

/** Blobs by hash, read in one go. */
function readBlobs(root, hashes) {
  const output = git(root, ['cat-file', '--batch'], `${hashes.join('\n')}\n`);
  const texts = new Map();
  for (let at = 0; at < output.length;) {
    const end = output.indexOf(10, at);
    const [hash, kind, size] = output.toString('utf8', at, end).split(' ');
    if (kind !== 'blob') {
      at = end + 1;
      continue;
    }
    texts.set(hash, output.toString('utf8', end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  return texts;
}

/**
 * { commit, path, before, after }, the oldest first; undefined where there is no history.
 * @param {string} root
 */
export function fileHistories(root) {
  let log;
  try {
    log = git(root, [
      ...['log', '--reverse', '--no-merges', '--no-renames', '--diff-filter=M', '--no-abbrev'],
      ...['--format=%x00%H', '--raw'],
    ]).toString('utf8');
  } catch {
    return undefined; // no git, or no repository
  }
  const commits = log.split('\0').slice(1);
  if (commits.length < leastCommits) {
    return undefined;
  }
  const changes = commits.flatMap((entry) => {
    const [commit, ...lines] = entry.split('\n');
    return lines.flatMap((line) => {
      const [, old, now, path] = /^:\S+ \S+ (\S+) (\S+) M\t(.*)$/.exec(line) ?? [];
      return path !== undefined && sources.test(path) && !tables.test(path)
        ? [{ commit, path, old, now }]
        : [];
    });
  });
  // What several branches have made is one change: else it could stand in both halves.
  const seen = new Set();
  const once = changes.filter(({ path, old, now }) => {
    const key = `${path} ${old} ${now}`;
    return !seen.has(key) && seen.add(key);
  });
  const texts = readBlobs(root, [...new Set(once.flatMap(({ old, now }) => [old, now]))]);
  return once.flatMap(({ commit, path, old, now }) => {
    const [before, after] = [texts.get(old), texts.get(now)];
    const usable =
      before !== undefined && after !== undefined && Math.max(before.length, after.length) <= longest;
    return usable && before !== after ? [{ commit, path, before, after }] : [];
  });
}
