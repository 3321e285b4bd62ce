/** Which files of the workspace must not be shown to a model, and why. */
import ignore, { type Ignore } from 'ignore';
import { readRulesInside } from '../diskFiles';
import type { Located, WorkspaceFolder } from '../folders';
import { globPatterns, ignorePatterns } from './patterns';
import { isSecretName } from './secrets';

/** Why a file is left out. */
export type Exclusion =
  /** Its name says that it holds secrets. */
  | 'secret'
  | 'niwakiignore'
  | 'gitignore'
  /** `files.exclude`. */
  | 'filesExclude';

interface Rules {
  readonly git: Ignore;
  readonly niwaki: Ignore;
}

/** Undefined = there is no such file. May reject where there is one that cannot be read. */
export type ReadFile = (file: Located, mostBytes: number) => Promise<string | undefined>;

/** In the place of rules that cannot be read: who does not know what they hide shows nothing. */
const everything = '*';

const mostBytes = 256 * 1024;
/** Milliseconds. After that the ignore files are read again when somebody asks. */
const freshMs = 2_000;
/** Characters. Nobody reads a longer one, and matching takes time. */
const longestPath = 1_024;

const options = { ignorecase: process.platform === 'win32' || process.platform === 'darwin' };

/** Whether a `!pattern` names the file, or a directory that it is in. */
function isTakenIn(rules: Ignore, path: string): boolean {
  if (rules.test(path).unignored) {
    return true;
  }
  const parts = path.split('/');
  return parts.slice(0, -1).some((_, i) => rules.test(`${parts.slice(0, i + 1).join('/')}/`).unignored);
}

export class IgnoreRules {
  /** By the folder's root and the directory in it. */
  private readonly known = new Map<string, Promise<Rules>>();
  private exclude: Ignore = ignore(options);
  private readAt = 0;

  constructor(
    private readonly read: ReadFile = readRulesInside,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Globs as in VS Code's `files.exclude`. */
  setExclude(globs: readonly string[]): void {
    this.exclude = ignore(options).add(globs.flatMap(globPatterns));
  }

  /** Forgets what the ignore files said if that is a while ago. */
  renew(): void {
    if (this.now() - this.readAt >= freshMs) {
      this.known.clear();
    }
  }

  /**
   * Undefined = the file may be shown. A `!pattern` in a .niwakiignore takes a file in that everything else would leave out: a
   * `.env.example`, or something that only git is to ignore.
   */
  async verdict({ folder, path }: Located): Promise<Exclusion | undefined> {
    if (path.length > longestPath) {
      return 'filesExclude';
    }
    const { git, niwaki } = await this.rulesFor(folder, path.split('/').slice(0, -1));
    if (niwaki.ignores(path)) {
      return 'niwakiignore';
    }
    if (isTakenIn(niwaki, path)) {
      return undefined;
    }
    if (isSecretName(path)) {
      return 'secret';
    }
    if (git.ignores(path)) {
      return 'gitignore';
    }
    return this.exclude.ignores(path) ? 'filesExclude' : undefined;
  }

  /** The rules for files in a directory: its own ignore files and those of all directories above it, the innermost last. */
  private rulesFor(folder: WorkspaceFolder, directories: readonly string[]): Promise<Rules> {
    const key = `${folder.root}\0${directories.join('/')}`;
    let rules = this.known.get(key);
    if (rules === undefined) {
      if (this.known.size === 0) {
        this.readAt = this.now();
      }
      rules = this.readRules(folder, directories);
      this.known.set(key, rules);
    }
    return rules;
  }

  private async readRules(folder: WorkspaceFolder, directories: readonly string[]): Promise<Rules> {
    const directory = directories.join('/');
    const at = async (name: string): Promise<readonly string[]> => {
      const path = directory === '' ? name : `${directory}/${name}`;
      const text = await this.read({ folder, path }, mostBytes).catch(() => everything);
      return text === undefined ? [] : ignorePatterns(text, directory);
    };
    const [above, gitPatterns, niwakiPatterns, repositoryPatterns] = await Promise.all([
      directories.length === 0
        ? { git: ignore(options), niwaki: ignore(options) }
        : this.rulesFor(folder, directories.slice(0, -1)),
      at('.gitignore'),
      at('.niwakiignore'),
      directories.length === 0 ? at('.git/info/exclude') : [],
    ]);
    const extended = (rules: Ignore, patterns: readonly string[]): Ignore =>
      patterns.length === 0 ? rules : ignore(options).add(rules).add(patterns);
    return {
      git: extended(above.git, [...repositoryPatterns, ...gitPatterns]),
      niwaki: extended(above.niwaki, niwakiPatterns),
    };
  }
}
