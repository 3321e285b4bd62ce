/**
 * Written files become files: one edit, which can be undone as one. Everything is looked at once more right before: a file that has come into being
 * or has changed since its text was shown stops all of them, and what a failed edit has left behind is taken back.
 */
import type { CheckedFile } from '#protocol';
import { minimalEdits } from '#protocol/minimalEdits';
import { l10n, Range, Uri, workspace, WorkspaceEdit, type TextDocument } from 'vscode';
import { wouldBeInWorkspace } from '../../insideWorkspace';
import { leadsOut } from './inside';
import { missingFolders, removeEmpty, type MadeFolders } from './madeFolders';

/** File systems round times. */
const clockMs = 2_000;

export interface WrittenFile {
  readonly path: string;
  readonly uri: Uri;
  readonly text: string;
  /** What the file said when the difference was shown; undefined = there was no such file. */
  readonly base: string | undefined;
}

export interface Refusal {
  readonly file: WrittenFile;
  /** A sentence. */
  readonly problem: string;
  /** Whether there is a file now. */
  readonly exists: boolean;
}

export type CreationResult =
  | { readonly kind: 'done' }
  /** Nothing was written. */
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  /** The system has refused: a sentence. Nothing is left of it. */
  | { readonly kind: 'failed'; readonly problem: string };

async function refusalOf(file: WrittenFile, checked: CheckedFile | undefined): Promise<Refusal | undefined> {
  const refused = (problem: string, exists = checked?.exists === true): Refusal => ({
    file,
    problem,
    exists,
  });
  if (checked?.problem !== '') {
    return refused(checked?.problem ?? l10n.t('It could not be looked at.'), false);
  }
  // A path means the same as when its text was shown, or nothing is written.
  if (Uri.parse(checked.uri).toString() !== file.uri.toString()) {
    return refused(l10n.t('It now leads somewhere else.'), false);
  }
  // The server has resolved links; the side that writes looks for itself.
  if (!(await wouldBeInWorkspace(file.uri))) {
    return refused(l10n.t('It lies outside the workspace.'), false);
  }
  if (file.base === undefined) {
    return checked.exists
      ? refused(l10n.t('Somebody has made it meanwhile. Look at the difference.'))
      : undefined;
  }
  if (!checked.exists) {
    return refused(l10n.t('It has been deleted meanwhile.'));
  }
  const document = await workspace.openTextDocument(file.uri);
  return document.getText() === file.base
    ? undefined
    : refused(l10n.t('It has changed meanwhile. Look at the difference.'));
}

/** Whether there is anything to replace. */
async function replace(
  edit: WorkspaceEdit,
  file: WrittenFile,
  documents: Map<TextDocument, number>,
): Promise<boolean> {
  const document = await workspace.openTextDocument(file.uri);
  documents.set(document, document.version);
  const pieces = minimalEdits(document.getText(), file.text);
  for (const { start, end, text } of pieces) {
    edit.replace(file.uri, new Range(document.positionAt(start), document.positionAt(end)), text);
  }
  return pieces.length > 0;
}

/** Removes a file that an edit has made since `begun` (ms since 1970), if it is what we would have written, or the beginning of it. */
async function takeBack({ uri, text }: WrittenFile, begun: number): Promise<void> {
  try {
    const { ctime } = await workspace.fs.stat(uri);
    // A byte order mark counts: it is none of ours.
    const there = new TextDecoder('utf-8', { ignoreBOM: true }).decode(await workspace.fs.readFile(uri));
    // Of some file systems nobody knows when (0).
    if ((ctime === 0 || ctime >= begun - clockMs) && text.startsWith(there)) {
      await workspace.fs.delete(uri, { useTrash: false });
    }
  } catch {
    // it was not made
  }
}

/** Those that lie outside, because a folder has become a link at the last moment. */
async function strayedOf(made: readonly WrittenFile[]): Promise<WrittenFile[]> {
  const folders = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const isOut = async ({ uri }: WrittenFile): Promise<boolean> => {
    const each = await Promise.all(folders.map((folder) => leadsOut(folder.uri.fsPath, uri.fsPath)));
    return each.every((out) => out);
  };
  const out = await Promise.all(made.map(isOut));
  return made.filter((_, i) => out[i]);
}

/** `check`: what paths mean now. Rejects where that cannot be found out. */
export async function createFiles(
  files: readonly WrittenFile[],
  check: (paths: readonly string[]) => Promise<readonly CheckedFile[]>,
  folders: MadeFolders,
): Promise<CreationResult> {
  const checked = await check(files.map(({ path }) => path));
  const refusals = (await Promise.all(files.map((file, i) => refusalOf(file, checked[i])))).filter(
    (refusal) => refusal !== undefined,
  );
  if (refusals.length > 0) {
    return { kind: 'refused', refusals };
  }
  const made = files.filter(({ base }) => base === undefined);
  const newFolders = await missingFolders(made.map(({ uri }) => uri));
  const edit = new WorkspaceEdit();
  const documents = new Map<TextDocument, number>();
  // First of all what may fail: then nothing is changed by an edit that has failed.
  for (const { uri, text } of made) {
    const contents = new TextEncoder().encode(text);
    edit.createFile(uri, { overwrite: false, ignoreIfExists: false, contents });
  }
  let changes = made.length;
  for (const file of files.filter(({ base }) => base !== undefined)) {
    changes += (await replace(edit, file, documents)) ? 1 : 0;
  }
  const moved = files.filter(({ uri }) =>
    [...documents].some(
      ([document, version]) => document.uri.toString() === uri.toString() && document.version !== version,
    ),
  );
  if (moved.length > 0) {
    const problem = l10n.t('It has changed meanwhile. Look at the difference.');
    return { kind: 'refused', refusals: moved.map((file) => ({ file, problem, exists: true })) };
  }
  // From here to the edit nothing is waited for: the places of what is replaced are those of the versions that were just looked at.
  const begun = Date.now();
  // Of no edits at all VS Code says that they failed. (Its own count of them leaves new files out.)
  const done = changes === 0 || (await Promise.resolve(workspace.applyEdit(edit)).catch(() => false));
  const strayed = await strayedOf(made);
  if (done && strayed.length === 0) {
    folders.remember({ files: made.map(({ uri }) => uri), folders: newFolders });
    return { kind: 'done' };
  }
  for (const file of made) {
    await takeBack(file, begun);
  }
  await removeEmpty(newFolders);
  if (strayed.length > 0) {
    const problem = l10n.t('It lies outside the workspace.');
    return { kind: 'refused', refusals: strayed.map((file) => ({ file, problem, exists: false })) };
  }
  return {
    kind: 'failed',
    problem: l10n.t(
      'The system has refused to write: the disk may be full, or a folder read-only. Nothing was written.',
    ),
  };
}
