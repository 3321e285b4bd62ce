/** "Try a Completion": a small text in a new editor, the cursor where the next words can be foretold. Part of the walkthrough. */
import { commands, Position, Selection, window, workspace, type Disposable } from 'vscode';

/** What goes on behind the cursor follows from what is above it, so that the embedded model and the copies both can tell. */
const sample = `// Grey text is a suggestion: Tab takes it, Escape dismisses it, typing on narrows it.
export function parseWidth(text: string): number {
  const value = Number(text);
  if (Number.isNaN(value)) {
    throw new Error('not a width: ' + text);
  }
  return value;
}

export function parseHeight(text: string): number {
  const value = Number(text);
  if (Num`;
const behind = '\n}\n';

export function activate(): Disposable {
  return commands.registerCommand('niwaki.tryIt', async () => {
    const document = await workspace.openTextDocument({ language: 'typescript', content: sample + behind });
    const editor = await window.showTextDocument(document, { preview: false });
    const end: Position = document.positionAt(sample.length);
    editor.selection = new Selection(end, end);
    await commands.executeCommand('editor.action.inlineSuggest.trigger');
  });
}
