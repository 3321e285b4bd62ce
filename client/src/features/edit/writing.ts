/** Writing into a document: one edit that can be undone as one, and only into the text that it was made for. */
import { applyEdits, inverseEdits, type TextEdits } from '#protocol/textEdits';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import {
  FilePermission,
  l10n,
  languages,
  Range,
  RelativePattern,
  workspace,
  WorkspaceEdit,
  type TextDocument,
} from 'vscode';
import { nameOf } from '../../insideWorkspace';

/** Whether the user's settings make a file read-only. VS Code lets extensions write into such a document all the same, where it is never saved. */
function isReadOnlyBySettings(document: TextDocument): boolean {
  const settings = workspace.getConfiguration('files', document.uri);
  const folder = workspace.getWorkspaceFolder(document.uri);
  const names = (key: string): boolean =>
    Object.entries(settings.get<Record<string, unknown>>(key, {})).some(
      ([glob, on]) =>
        on === true &&
        [glob, ...(folder === undefined ? [] : [new RelativePattern(folder, glob)])].some(
          (pattern) => languages.match({ pattern }, document) > 0,
        ),
    );
  return names('readonlyInclude') && !names('readonlyExclude');
}

/** Why a document cannot be written, a sentence; '' = as far as one can tell, it can. */
export async function whyReadOnly(document: TextDocument): Promise<string> {
  const { uri } = document;
  const refusal = l10n.t('{0} is read-only. Nothing was changed.', nameOf(uri));
  if (uri.scheme === 'untitled' || uri.scheme === 'vscode-notebook-cell') {
    return '';
  }
  if (workspace.fs.isWritableFileSystem(uri.scheme) === false || isReadOnlyBySettings(document)) {
    return refusal;
  }
  try {
    const { permissions = 0 } = await workspace.fs.stat(uri);
    if ((permissions & FilePermission.Readonly) !== 0) {
      return refusal;
    }
    if (uri.scheme === 'file') {
      await access(uri.fsPath, constants.W_OK);
    }
    return '';
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? refusal : '';
  }
}

export function rangeOf(document: TextDocument, { start, end }: { start: number; end: number }): Range {
  return new Range(document.positionAt(start), document.positionAt(end));
}

async function replaceIn(document: TextDocument, edits: TextEdits): Promise<boolean> {
  const edit = new WorkspaceEdit();
  for (const one of edits) {
    edit.replace(document.uri, rangeOf(document, one), one.text);
  }
  return workspace.applyEdit(edit);
}

/** Whether a changed document is not one that has to be saved, and its file is as before: an editor that somebody has made read-only takes edits, and keeps them to itself. */
async function isKeptFromFile(document: TextDocument, before: string): Promise<boolean> {
  if (document.isDirty || document.uri.scheme !== 'file') {
    return false;
  }
  try {
    const onDisk = await workspace.decode(await workspace.fs.readFile(document.uri), { uri: document.uri });
    return onDisk === before;
  } catch {
    return false;
  }
}

/**
 * Applies edits that were made for `text`. '' = done, and the document is what they make of it; else why not, a sentence: then it is as it was, or
 * as somebody else has made it meanwhile.
 */
export async function write(document: TextDocument, text: string, edits: TextEdits): Promise<string> {
  const name = nameOf(document.uri);
  const { version } = document;
  if (document.isClosed || document.getText() !== text) {
    return l10n.t('{0} has changed meanwhile. Nothing was changed.', name);
  }
  const readOnly = await whyReadOnly(document);
  if (readOnly !== '') {
    return readOnly;
  }
  const expected = applyEdits(text, edits);
  // VS Code itself compares the version once more before it writes.
  const done = document.version === version && (await replaceIn(document, edits));
  const changed = document.getText();
  if (done && changed === expected) {
    if (!(await isKeptFromFile(document, text))) {
      return '';
    }
    await replaceIn(document, inverseEdits(text, edits));
    return l10n.t('{0} is read-only. Nothing was changed.', name);
  }
  return changed === text
    ? l10n.t('{0} could not be changed: it is read-only here.', name)
    : l10n.t('{0} has changed meanwhile. Look at the change once more.', name);
}
