/** After a change was made: whether the language's tools say more errors of the document than before. */
import { commands, CancellationTokenSource, l10n, type Uri, workspace } from 'vscode';
import { nameOf } from '../../insideWorkspace';
import { messages } from '../../ui/messages';
import { errorsOf, settled } from './check';
import { addedWords } from './lenses';
import { addedProblems, type Problem } from './problems';
import { showFile } from './viewTexts';

/** Milliseconds that tools have to look at the changed document. */
const patienceMs = 6_000;

/** `steps`: how many undos take the change back; 0 = none do, and none are offered. */
export async function tellAddedErrors(uri: Uri, before: readonly Problem[], steps: number): Promise<void> {
  const document = await workspace.openTextDocument(uri);
  const { version } = document;
  const source = new CancellationTokenSource();
  await settled(uri, source.token, patienceMs);
  source.dispose();
  const added = addedProblems(before, errorsOf(uri));
  const [first] = added;
  if (first === undefined || document.version !== version) {
    return; // the user has gone on: what is wrong now may be theirs
  }
  const [undo, show] = [l10n.t('Undo'), l10n.t('Show')];
  const words = addedWords(added.map(({ message }) => message));
  // An undo in a notebook takes back what was done last in any of its cells.
  const canUndo = steps > 0 && uri.scheme !== 'vscode-notebook-cell';
  const text = l10n.t('The change of {0}: {1}', nameOf(uri), words);
  const chosen = await (canUndo ? messages.warn(text, undo, show) : messages.warn(text, show));
  if (chosen === undefined) {
    return;
  }
  await showFile(document, Math.min(first.line, document.lineCount - 1), undefined);
  if (chosen === show) {
    return;
  }
  if (document.version === version) {
    for (let step = 0; step < steps; step += 1) {
      await commands.executeCommand('undo');
    }
  } else {
    void messages.info(l10n.t('{0} has changed since. Undo it there.', nameOf(uri)));
  }
}
