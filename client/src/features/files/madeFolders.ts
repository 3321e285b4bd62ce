/** Folders that come into being with new files: undoing takes the files back, and VS Code leaves the folders. */
import { Disposable, FileSystemError, FileType, Uri, workspace } from 'vscode';
import { leadsOut } from './inside';

/** undefined = it is not there. Rejects where that cannot be seen. */
async function typeOf(uri: Uri): Promise<FileType | undefined> {
  try {
    return (await workspace.fs.stat(uri)).type;
  } catch (error) {
    if (error instanceof FileSystemError && error.code === 'FileNotFound') {
      return undefined;
    }
    throw error;
  }
}

/** Whether it is where its path says: none of the folders above it has become a link that leads away. */
async function isInPlace(folder: Uri): Promise<boolean> {
  const root = workspace.getWorkspaceFolder(folder)?.uri;
  return root !== undefined && !(await leadsOut(root.fsPath, folder.fsPath));
}

/** The folders above files that are not there yet, deepest first. Ask before the files are made. */
export async function missingFolders(files: readonly Uri[]): Promise<readonly Uri[]> {
  const missing = new Map<string, Uri>();
  for (const file of files) {
    for (let folder = Uri.joinPath(file, '..'); ; folder = Uri.joinPath(folder, '..')) {
      // What cannot be seen may be there.
      const isKnown = missing.has(folder.toString());
      if (isKnown || (await typeOf(folder).catch(() => FileType.Unknown)) !== undefined) {
        break;
      }
      missing.set(folder.toString(), folder);
    }
  }
  return [...missing.values()].sort((a, b) => b.path.length - a.path.length);
}

/** Deepest first. Those in which there is something stay. */
export async function removeEmpty(folders: readonly Uri[]): Promise<void> {
  for (const folder of folders) {
    try {
      // No link, wherever it leads to.
      const isOurs = (await typeOf(folder)) === FileType.Directory && (await isInPlace(folder));
      if (isOurs && (await workspace.fs.readDirectory(folder)).length === 0) {
        await workspace.fs.delete(folder, { recursive: false, useTrash: false }); // refused where it is not empty any more
      }
    } catch {
      // somebody has put something into it, or has removed it
    }
  }
}

interface Creation {
  readonly files: readonly Uri[];
  readonly folders: readonly Uri[];
}

interface Known extends Creation {
  /** It was undone: what is made in its place is somebody else's, unless it is done again. */
  isUndone: boolean;
}

/** What one knows of in mind: undoing goes back no further. */
const mostKnown = 50;

export class MadeFolders implements Disposable {
  private creations: Known[] = [];
  /** All files of a creation at once: whoever deletes one of several does not undo. */
  private readonly listeners = Disposable.from(
    workspace.onDidDeleteFiles(({ files }) => {
      for (const creation of this.all(files, false)) {
        creation.isUndone = true;
        void this.tidy(creation);
      }
    }),
    workspace.onDidCreateFiles(({ files }) => {
      for (const creation of this.all(files, true)) {
        creation.isUndone = false;
      }
    }),
  );

  /** Files that were made together, and the folders that were made for them. */
  remember(creation: Creation): void {
    if (creation.folders.length > 0) {
      this.creations = [...this.creations.slice(1 - mostKnown), { ...creation, isUndone: false }];
    }
  }

  dispose(): void {
    this.listeners.dispose();
  }

  private all(files: readonly Uri[], isUndone: boolean): readonly Known[] {
    const named = new Set(files.map(String));
    return this.creations.filter(
      (one) => one.isUndone === isUndone && one.files.every((file) => named.has(file.toString())),
    );
  }

  /** What was made is gone again: so are its folders. Doing it again makes them anew. */
  private async tidy({ files, folders }: Creation): Promise<void> {
    const types = await Promise.all(files.map((file) => typeOf(file).catch(() => FileType.Unknown)));
    if (types.every((type) => type === undefined)) {
      await removeEmpty(folders);
    }
  }
}
