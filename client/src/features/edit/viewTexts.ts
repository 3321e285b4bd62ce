/** What an edit's view is as a document and a tab: its language, its text, where it is open, and the file that it leads back to. */
import {
  commands,
  Range,
  TabInputText,
  TabInputTextDiff,
  Uri,
  window,
  workspace,
  type Tab,
  type TextDocument,
} from 'vscode';

/** Of the documents that show changes. */
export const scheme = 'niwaki-edit';

/**
 * VS Code's own tools for these look at documents of any scheme, and would call a text wrong that has old lines and new ones. The view has a language of
 * ours then, with the same colours (media/edit).
 */
const watched = new Set([
  ...['typescript', 'typescriptreact', 'javascript', 'javascriptreact'],
  ...['css', 'scss', 'less', 'json', 'jsonc'],
]);

export function viewLanguage(languageId: string): string {
  return watched.has(languageId) ? `niwaki-edit-${languageId}` : languageId;
}

export function tabsOf(uri: Uri): Tab[] {
  return window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof TabInputText && input.uri.toString() === uri.toString());
}

/** Where it is the changed side of a difference. */
export function tabsThatCompare(uri: Uri): Tab[] {
  return window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof TabInputTextDiff && input.modified.toString() === uri.toString());
}

/** Those of a window, or of an extension host, that is gone: with it went what they were about, and nobody can decide on it any more. */
export async function closeStale(): Promise<void> {
  const stale = window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => {
      const shown =
        input instanceof TabInputText
          ? input.uri
          : input instanceof TabInputTextDiff
            ? input.modified
            : undefined;
      return shown?.scheme === scheme;
    });
  if (stale.length > 0) {
    await commands.executeCommand('setContext', 'niwaki.edit.phase', '');
    await window.tabGroups.close(stale);
  }
}

/** A place as functionLens.ts names it. */
export function readPlace(value: unknown): { readonly uri: Uri; readonly range: Range } | undefined {
  const { uri, range } = (value ?? {}) as { uri?: unknown; range?: unknown };
  const isPlace =
    typeof uri === 'string' && Array.isArray(range) && range.length === 4 && range.every(Number.isInteger);
  return isPlace
    ? { uri: Uri.parse(uri, true), range: new Range(...(range as [number, number, number, number])) }
    : undefined;
}

/** Line ends as the view has them. */
export function textOf(document: TextDocument): string {
  return document.getText().replaceAll('\r\n', '\n');
}

/** The file, or the notebook that has the cell. */
export async function showFile(
  document: TextDocument,
  line: number,
  viewColumn: number | undefined,
): Promise<void> {
  const options = { preview: false, ...(viewColumn === undefined ? {} : { viewColumn }) };
  const notebook = workspace.notebookDocuments.find((one) =>
    one.getCells().some((cell) => cell.document.uri.toString() === document.uri.toString()),
  );
  if (notebook !== undefined) {
    await window.showNotebookDocument(notebook, options);
    return;
  }
  await window.showTextDocument(document.uri, { ...options, selection: new Range(line, 0, line, 0) });
}
