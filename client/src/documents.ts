/** Documents that people write in; not output channels, search results and the like. */
export const documentSelector: readonly { readonly scheme: string }[] = [
  'file',
  'untitled',
  'vscode-vfs',
  'vscode-notebook-cell',
].map((scheme) => ({ scheme }));

export function isWrittenIn(document: { readonly uri: { readonly scheme: string } }): boolean {
  return documentSelector.some(({ scheme }) => scheme === document.uri.scheme);
}
