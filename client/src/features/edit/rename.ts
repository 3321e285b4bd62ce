/**
 * "Rename with Niwaki…": the model says how a name might be better, the user decides, and the language's own tool finds where it stands. What that would
 * change is shown in the Refactor Preview. Without such a tool there is no rename: text alone does not say which of two equal names is meant.
 */
import type { EditRequest } from '#protocol';
import { applyEdits } from '#protocol/textEdits';
import {
  commands,
  l10n,
  ProgressLocation,
  Range,
  ThemeIcon,
  window,
  workspace,
  WorkspaceEdit,
  type TextEdit,
  type TextEditor,
  type WorkspaceEditEntryMetadata,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { messages } from '../../ui/messages';

interface Named {
  readonly range: Range;
  readonly name: string;
}

async function nameAt({ document, selection }: TextEditor): Promise<Named | undefined> {
  const place = selection.active;
  const prepared = await Promise.resolve(
    commands.executeCommand('vscode.prepareRename', document.uri, place),
  ).catch(() => undefined);
  const { range, placeholder } = (prepared ?? {}) as { range?: unknown; placeholder?: unknown };
  const found = range instanceof Range ? range : document.getWordRangeAtPosition(place);
  if (found?.isSingleLine !== true) {
    return undefined;
  }
  return { range: found, name: typeof placeholder === 'string' ? placeholder : document.getText(found) };
}

/** The name that stands where the old one stood; '' = there is no other, or something else was changed before it. Offsets count in the text. */
export function nameIn(before: string, after: string, start: number, name: string): string {
  if (before.slice(0, start) !== after.slice(0, start)) {
    return '';
  }
  const [found = ''] = /^[\p{L}\p{N}_$]*/u.exec(after.slice(start)) ?? [];
  return found === name ? '' : found;
}

/** '' = the model has none. */
async function suggestion(
  context: NiwakiContext,
  { document }: TextEditor,
  { range, name }: Named,
): Promise<string> {
  const client = await context.server.edits();
  const text = document.getText();
  const params: Omit<EditRequest.Params, 'job'> = {
    ...{ uri: document.uri.toString(), version: document.version, task: 'instruct', problems: [], tried: '' },
    range: { start: range.start.line, end: range.start.line + 1 },
    instruction: `Rename \`${name}\` to a name that says better what it is or does. Change nothing else.`,
  };
  const result = await window.withProgress(
    {
      location: ProgressLocation.Notification,
      title: l10n.t('Niwaki: a name for {0}', name),
      cancellable: true,
    },
    (_, token) => client.propose(params, () => undefined, token),
  );
  if (result.problem !== '') {
    void messages.warn(result.problem);
  }
  const change = result.changes.find(({ uri }) => uri === params.uri);
  return change === undefined
    ? ''
    : nameIn(text, applyEdits(text, change.edits), document.offsetAt(range.start), name);
}

/** All of it to be confirmed. What is done to files themselves cannot be taken out of an edit, so such a one is as the tool made it. */
function toConfirm(edit: WorkspaceEdit, label: string): WorkspaceEdit {
  const entries = edit.entries();
  if (edit.size !== entries.length) {
    return edit;
  }
  const made = new WorkspaceEdit();
  const metadata = { needsConfirmation: true, label, iconPath: new ThemeIcon('sparkle') };
  for (const [uri, edits] of entries) {
    made.set(
      uri,
      edits.map((one): [TextEdit, WorkspaceEditEntryMetadata] => [one, metadata]),
    );
  }
  return made;
}

export async function renameWithNiwaki(context: NiwakiContext): Promise<void> {
  const editor = window.activeTextEditor;
  const named = editor === undefined ? undefined : await nameAt(editor);
  if (editor === undefined || named === undefined) {
    void messages.warn(l10n.t('Niwaki: place the cursor in the name that is to be changed.'));
    return;
  }
  const { document } = editor;
  const { name, range } = named;
  const suggested = await suggestion(context, editor, named).catch(() => '');
  const chosen = await window.showInputBox({
    title: l10n.t('Niwaki: rename {0}', name),
    value: suggested === '' ? name : suggested,
    prompt:
      suggested === ''
        ? l10n.t('The model has no better name. The language’s own tools rename it wherever it is meant.')
        : l10n.t('The language’s own tools rename it wherever it is meant.'),
  });
  if (chosen === undefined || chosen.trim() === '' || chosen === name) {
    return;
  }
  // Asked of the document as it is now: the place may have moved while the box was open.
  const asked = commands.executeCommand(
    'vscode.executeDocumentRenameProvider',
    document.uri,
    range.start,
    chosen.trim(),
  );
  const edit: unknown = await Promise.resolve(asked).catch(() => undefined);
  if (document.getText(range) !== name || !(edit instanceof WorkspaceEdit) || edit.size === 0) {
    void messages.warn(l10n.t('Nothing can rename {0} here: no tool of the language offers it.', name));
    return;
  }
  await workspace.applyEdit(toConfirm(edit, l10n.t('Niwaki: rename {0}', name)), { isRefactoring: true });
}
