/** Folders that come into being with new files: undoing takes the files back, and VS Code leaves the folders. */
import { Disposable, FileType, Uri, workspace } from 'vscode';

async function typeOf(uri: Uri): Promise<FileType | undefined> {
  try {
    return (await workspace.fs.stat(uri)).type;
  } catch {
    return undefined;
  }
}

/** The folders above files that are not there yet, deepest first. Ask before the files are made. */
export async function missingFolders(files: readonly Uri[]): Promise<readonly Uri[]> {
  const missing = new Map<string, Uri>();
  for (const file of files) {
    for (let folder = Uri.joinPath(file, '..'); ; folder = Uri.joinPath(folder, '..')) {
      if (missing.has(folder.toString()) || (await typeOf(folder)) !== undefined) {
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
      // No link, wherever it leads to. Of a folder that is not empty the system refuses this.
      if (
        (await typeOf(folder)) === FileType.Directory &&
        (await workspace.fs.readDirectory(folder)).length === 0
      ) {
        await workspace.fs.delete(folder, { recursive: false, useTrash: false });
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

/** What one knows of in mind: undoing goes back no further. */
const mostKnown = 50;

export class MadeFolders implements Disposable {
  private creations: Creation[] = [];
  private readonly listener = workspace.onDidDeleteFiles(({ files }) => {
    void this.tidy(new Set(files.map(String)));
  });

  /** Files that were made together, and the folders that were made for them. */
  remember(creation: Creation): void {
    if (creation.folders.length > 0) {
      this.creations = [...this.creations.slice(1 - mostKnown), creation];
    }
  }

  dispose(): void {
    this.listener.dispose();
  }

  /** What was made is gone again, all of it: so are its folders. Doing it again makes them anew. */
  private async tidy(deleted: ReadonlySet<string>): Promise<void> {
    for (const { files, folders } of this.creations) {
      if (files.some((file) => deleted.has(file.toString()))) {
        const types = await Promise.all(files.map(typeOf));
        if (types.every((type) => type === undefined)) {
          await removeEmpty(folders);
        }
      }
    }
  }
}
