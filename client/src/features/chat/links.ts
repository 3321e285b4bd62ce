/** Links of answers: files of the workspace are opened; web addresses only after VS Code's own question. Nothing else is. */
import { commands, env, l10n, Range, Uri, window, workspace } from 'vscode';
import { readPlace } from './places';
import { findInWorkspace, kindOf } from './workspaceFiles';

/** Returns a problem, a sentence; '' = it was opened, or the user did not want it. */
export async function follow(target: string): Promise<string> {
  if (/^https?:\/\/[^\s/]/i.test(target)) {
    await env.openExternal(Uri.parse(target, true));
    return '';
  }
  // Any other scheme, and addresses without one that lead to another machine.
  if (/^[a-z][a-z0-9+.-]*:(?!\d)/i.test(target) || /^[/\\]{2}/.test(target)) {
    return l10n.t('Links of this kind are not opened.');
  }
  const place = readPlace(target);
  const uri = await findInWorkspace(place.path);
  if (uri === undefined) {
    return l10n.t('There is no file {0} in the workspace.', place.path);
  }
  if ((await kindOf(uri)) === 'folder') {
    await commands.executeCommand('revealInExplorer', uri);
    return '';
  }
  const document = await workspace.openTextDocument(uri);
  const last = document.lineCount;
  const start = Math.min(place.startLine ?? 0, last - 1);
  const end = Math.min(place.endLine ?? start + 1, last);
  const selection =
    place.endLine !== undefined && end > start + 1
      ? new Range(start, 0, end - 1, document.lineAt(end - 1).text.length)
      : new Range(start, 0, start, 0);
  await window.showTextDocument(document, {
    preview: true,
    ...(place.startLine === undefined ? {} : { selection }),
  });
  return '';
}
