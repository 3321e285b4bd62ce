/**
 * Documents that people write in; not output channels, search results and the like. Folders of the workspace may lie in any file
 * system that an extension brings along: those that are open when the window opens count.
 */
import { workspace } from 'vscode';

const always = ['file', 'untitled', 'vscode-vfs', 'vscode-notebook-cell'];
const ofFolders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.scheme);

export const documentSelector: readonly { readonly scheme: string }[] = [
  ...new Set([...always, ...ofFolders]),
].map((scheme) => ({ scheme }));

export function isWrittenIn(document: { readonly uri: { readonly scheme: string } }): boolean {
  return documentSelector.some(({ scheme }) => scheme === document.uri.scheme);
}
