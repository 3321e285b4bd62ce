/** The files of the repository, as git sees them (in a folder without git: all but what is built or installed). */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(__dirname, '..', '..');

const notOurs = new Set(['.git', 'node_modules', 'dist', 'out', '.vscode-test']);

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (notOurs.has(entry.name) || entry.name.startsWith('build')) {
      return [];
    }
    const path = join(directory, entry.name);
    return entry.isDirectory() ? walk(path) : [relative(root, path)];
  });
}

/** Paths relative to the root, with forward slashes. New files that are not ignored are among them. */
export function repositoryFiles(): string[] {
  try {
    const list = execFileSync(
      'git',
      ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'],
      {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const deleted = execFileSync('git', ['ls-files', '--deleted'], { cwd: root, encoding: 'utf8' }).split(
      '\n',
    );
    return list.split('\n').filter((path) => path !== '' && !deleted.includes(path));
  } catch {
    return walk(root).map((path) => path.replaceAll('\\', '/'));
  }
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export const sourcePattern = /\.(ts|mts|mjs|cc|h|inl|py|css)$/;
