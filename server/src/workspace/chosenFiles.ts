/**
 * Files and folders that the user chooses to show a model. What somebody names is read although it is left out of version control; a name
 * that says that it holds secrets, and what a .niwakiignore names, is not. Of a folder, only what may stand in a prompt beside other files.
 */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readInside } from './diskFiles';
import { foldersOf, locate, type Located, type WorkspaceFolder } from './folders';
import { IgnoreRules, type Exclusion } from './ignore/ignoreRules';
import { isSecretName } from './ignore/secrets';
import type { LiveDocument } from './recentDocuments';
import { decodedPath } from '../util/decodedPath';

/** Why a chosen file is not shown. */
export type Refused = 'secret' | 'niwakiignore' | 'outside' | 'unreadable';

export interface ChosenFile {
  /** In its workspace folder, with forward slashes; of a document outside, its name. */
  readonly path: string;
  readonly text: string;
}

export interface ChosenFolder {
  /** In its workspace folder; '' = that folder itself. */
  readonly path: string;
  /** Paths below it, with forward slashes, in the order of their names; folders of fewer levels first. */
  readonly files: readonly string[];
  /** There are more files than were listed. */
  readonly more: boolean;
}

/** Bytes of one file. */
const mostFileBytes = 2 * 1024 * 1024;
const mostFiles = 2_000;
const mostFolders = 2_000;

export class ChosenFiles {
  private readonly rules = new IgnoreRules();
  private folders: readonly WorkspaceFolder[] = [];

  /** `open`: the documents that the editor has open. */
  constructor(private readonly open: () => readonly Pick<LiveDocument, 'uri' | 'getText'>[]) {}

  configure(settings: {
    readonly exclude: readonly string[];
    /** URIs. */ readonly folders: readonly string[];
  }): void {
    this.rules.setExclude(settings.exclude);
    this.folders = foldersOf(settings.folders);
    this.rules.renew();
  }

  /** How a file is called in a prompt and in the view. */
  pathOf(uri: string): string {
    const path = locate(uri, this.folders)?.path ?? decodedPath(uri).split('/').at(-1) ?? '';
    return this.folders.length > 1 ? this.withFolder(uri, path) : path;
  }

  /** As the editor has it, else from the disk. */
  async read(uri: string): Promise<ChosenFile | Refused> {
    this.rules.renew();
    const located = locate(uri, this.folders);
    const refused = await this.refusal(uri, located);
    if (refused !== undefined) {
      return refused;
    }
    const open = this.open().find((document) => document.uri === uri);
    if (open !== undefined) {
      return { path: this.pathOf(uri), text: open.getText() };
    }
    if (located === undefined) {
      return 'outside';
    }
    const text = await readInside(located, mostFileBytes);
    return text === undefined ? 'unreadable' : { path: this.pathOf(uri), text };
  }

  /** Undefined = it is no folder of the workspace. */
  async list(uri: string): Promise<ChosenFolder | undefined> {
    this.rules.renew();
    const place = this.placeOf(uri);
    if (place === undefined) {
      return undefined;
    }
    const { folder, path: top } = place;
    const files: string[] = [];
    const waiting: string[] = [''];
    let looked = 0;
    for (let below = waiting.shift(); below !== undefined; below = waiting.shift()) {
      if (files.length >= mostFiles || looked >= mostFolders) {
        return { path: top, files, more: true };
      }
      looked += 1;
      const entries = await this.entriesOf(folder, joinPath(top, below));
      for (const { name, isFolder } of entries) {
        const path = joinPath(below, name);
        if (isFolder) {
          waiting.push(path);
        } else if ((await this.rules.verdict({ folder, path: joinPath(top, path) })) === undefined) {
          files.push(path);
        }
      }
    }
    return { path: top, files: files.slice(0, mostFiles), more: files.length > mostFiles };
  }

  /** A file of a listed folder; undefined when it is no text or too large. */
  async readBelow(uri: string, file: string): Promise<string | undefined> {
    const place = this.placeOf(uri);
    const located = place && { folder: place.folder, path: joinPath(place.path, file) };
    if (located === undefined || (await this.rules.verdict(located)) !== undefined) {
      return undefined;
    }
    // By its place: the editor may write a URI in another way.
    const open = this.open().find((document) => {
      const other = locate(document.uri, this.folders);
      return other?.folder === located.folder && other.path === located.path;
    });
    return open?.getText() ?? (await readInside(located, mostFileBytes));
  }

  /**
   * Whether a file that a diff or a list of problems names must not be shown. `root`: URI of the folder that `path` is in; '' = any folder of
   * the workspace: what one of them hides is hidden.
   */
  async hides(root: string, path: string): Promise<boolean> {
    if (root === '') {
      const roots = this.folders.map(({ uri }) => uri);
      const each = await Promise.all(
        (roots.length === 0 ? ['file://'] : roots).map((one) => this.hides(one, path)),
      );
      // With several folders, paths begin with the folder's name.
      const [name, ...rest] = path.split('/');
      const named = this.folders.find((folder) => this.folders.length > 1 && folder.name === name);
      return each.includes(true) || (named !== undefined && (await this.hides(named.uri, rest.join('/'))));
    }
    const uri = `${root.replace(/\/$/, '')}/${encodePath(path)}`;
    // A repository that the workspace lies in has rules of its own.
    const located = locate(uri, this.folders) ?? locate(uri, foldersOf([root.replace(/\/$/, '')]));
    const refused = await this.refusal(uri, located);
    return refused !== undefined;
  }

  private async refusal(
    uri: string,
    located: Located | undefined,
  ): Promise<'secret' | 'niwakiignore' | undefined> {
    const verdict: Exclusion | undefined =
      located === undefined
        ? isSecretName(decodedPath(uri))
          ? 'secret'
          : undefined
        : await this.rules.verdict(located);
    if (verdict === 'secret' || verdict === 'niwakiignore') {
      return verdict;
    }
    const target = located === undefined ? undefined : await this.targetOf(located);
    return target === undefined ? undefined : this.refusal(target, locate(target, this.folders));
  }

  /** What a link in the workspace leads to, as a URI: a document may be open under another name than its own. Undefined = it is no link. */
  private async targetOf({ folder, path }: Located): Promise<string | undefined> {
    try {
      const [root, file] = await Promise.all([realpath(folder.root), realpath(join(folder.root, path))]);
      const inside = relative(root, file).split(sep).join('/');
      return inside === path
        ? undefined
        : pathToFileURL(inside.startsWith('../') ? file : join(folder.root, inside)).href;
    } catch {
      return undefined; // there is no such file
    }
  }

  private placeOf(uri: string): { readonly folder: WorkspaceFolder; readonly path: string } | undefined {
    const bare = uri.replace(/\/$/, '');
    const whole = this.folders.find((folder) => folder.uri.replace(/\/$/, '') === bare);
    return whole === undefined ? locate(bare, this.folders) : { folder: whole, path: '' };
  }

  /** Names in a folder, no links among them: they could lead out of it. */
  private async entriesOf(
    folder: WorkspaceFolder,
    path: string,
  ): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]> {
    const absolute = join(folder.root, path);
    const isFolder = (await lstat(absolute).catch(() => undefined))?.isDirectory() === true;
    const entries = isFolder ? await readdir(absolute, { withFileTypes: true }).catch(() => []) : [];
    const kept: { name: string; isFolder: boolean }[] = [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      // A folder that is ignored as a whole is not walked through: node_modules has a hundred thousand files.
      const probe = { folder, path: joinPath(path, `${entry.name}/x`) };
      if (entry.isFile() || (entry.isDirectory() && (await this.rules.verdict(probe)) === undefined)) {
        kept.push({ name: entry.name, isFolder: entry.isDirectory() });
      }
    }
    return kept;
  }

  private withFolder(uri: string, path: string): string {
    const located = locate(uri, this.folders);
    return located === undefined ? path : `${located.folder.name}/${path}`;
  }
}

function joinPath(folder: string, name: string): string {
  return folder === '' ? name : name === '' ? folder : `${folder}/${name}`;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
