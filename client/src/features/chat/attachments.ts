/** What can be attached to a message: how it is called, and what may be taken from the page. */
import type { Attachment } from '#protocol';
import { l10n, Uri, window, workspace, type Range, type TextDocument, type TextEditor } from 'vscode';
import { wholeLines } from '../../editorPlaces';
import { nameOf } from '../../insideWorkspace';
import { kindOf } from './workspaceFiles';

export interface Labelled {
  readonly attachment: Attachment;
  readonly label: string;
}

export function labelOf(attachment: Attachment): string {
  const name = attachment.uri === '' ? '' : nameOf(Uri.parse(attachment.uri));
  switch (attachment.kind) {
    case 'file':
      return name;
    case 'folder':
      return `${name}/`;
    case 'selection':
    case 'symbol': {
      const lines = `${name}:${String(attachment.startLine + 1)}-${String(attachment.endLine)}`;
      return attachment.kind === 'symbol' ? `${attachment.name} (${lines})` : lines;
    }
    case 'problems':
      return name === '' ? l10n.t('Problems') : l10n.t('Problems: {0}', name);
    case 'changes':
      return name === '' ? l10n.t('Changes') : l10n.t('Changes: {0}', name);
  }
}

export function labelled(attachment: Attachment): Labelled {
  return { attachment, label: labelOf(attachment) };
}

/** Whether it may be shown to a model at all: an address that lies outside the workspace may not, wherever it comes from. */
export async function isAllowed(attachment: Attachment): Promise<boolean> {
  if (attachment.uri === '') {
    return attachment.kind === 'problems' || attachment.kind === 'changes';
  }
  if (attachment.kind === 'changes') {
    return true; // of a repository that the workspace may lie in
  }
  let uri: Uri;
  try {
    uri = Uri.parse(attachment.uri, true);
  } catch {
    return false;
  }
  const isOpen = workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
  return uri.scheme === 'untitled' || isOpen || (await kindOf(uri)) !== undefined;
}

export async function allowed(attachments: readonly Attachment[]): Promise<Attachment[]> {
  const each = await Promise.all(attachments.map(isAllowed));
  return attachments.filter((_, i) => each[i] === true);
}

/** What is said where not all that is attached is allowed: answered without it, the model would make something up. */
export function somethingIsGone(): string {
  return l10n.t('Something that is attached is not in the workspace any more. Remove it, and send again.');
}

/** What is selected in an editor, as whole lines; undefined = nothing. */
export function selectionIn({
  document,
  selection,
}: {
  readonly document: TextDocument;
  readonly selection: Range;
}): Attachment | undefined {
  const lines = wholeLines(selection);
  const uri = document.uri.toString();
  return lines === undefined
    ? undefined
    : { kind: 'selection', uri, name: nameOf(document.uri), startLine: lines.start, endLine: lines.end };
}

/** The editor that is in use, or the one that was before the chat got the focus. */
export function currentEditor(): TextEditor | undefined {
  const isFile = ({ document }: TextEditor): boolean =>
    !['output', 'niwaki', 'niwaki-change', 'debug', 'vscode-scm'].includes(document.uri.scheme);
  const active = window.activeTextEditor;
  return active !== undefined && isFile(active) ? active : window.visibleTextEditors.find(isFile);
}

/** The selection in the editor, or its file where nothing is selected. */
export async function activeAttachment(): Promise<Attachment | undefined> {
  const editor = currentEditor();
  if (editor === undefined) {
    return undefined;
  }
  const attachment = selectionIn(editor) ?? { kind: 'file' as const, uri: editor.document.uri.toString() };
  return (await isAllowed(attachment)) ? attachment : undefined;
}

/** Files and folders by addresses that were dropped: those of the workspace, and how many were not. */
export async function dropped(
  uris: readonly string[],
): Promise<{ readonly attachments: Attachment[]; readonly refused: number }> {
  const found = await Promise.all(
    uris.map(async (address): Promise<Attachment | undefined> => {
      try {
        const uri = Uri.parse(address, true);
        // The page sees remote files by another scheme than the extension host.
        const here = uri.scheme === 'vscode-remote' ? uri.with({ scheme: 'file', authority: '' }) : uri;
        const kind = await kindOf(here);
        return kind === undefined ? undefined : { kind, uri: here.toString() };
      } catch {
        return undefined;
      }
    }),
  );
  const attachments = found.filter((one) => one !== undefined);
  return { attachments, refused: uris.length - attachments.length };
}
