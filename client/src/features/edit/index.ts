/** Edits in place and code actions. What they do is loaded with the first command, or the first action that is chosen. */
import { commands, Disposable } from 'vscode';
import type { NiwakiContext } from '../../context';
import { registerActions } from './actionList';
import type { EditView } from './editView';
import { registerFunctionLens } from './functionLens';
import { closeStale } from './viewTexts';

export function activate(context: NiwakiContext): Disposable {
  let loading: Promise<EditView> | undefined;
  const view = (): Promise<EditView> => {
    loading ??= import('./editView').then(({ EditView }) => {
      const made = new EditView(context);
      context.extension.subscriptions.push(made);
      return made;
    });
    return loading;
  };
  /** Lenses say which view and which part; keys and menus mean the view in front, and the part at the cursor. */
  const command = (
    name: string,
    run: (edits: EditView, uri: unknown, part: unknown) => unknown,
  ): Disposable =>
    commands.registerCommand(`niwaki.edit.${name}`, async (uri: unknown, part: unknown) =>
      run(await view(), uri, part),
    );
  void closeStale().catch(() => undefined);
  return Disposable.from(
    registerFunctionLens(context),
    registerActions(async (action, token) => (await view()).resolve(action, token)),
    command('start', (edits, place) => edits.start(place)),
    command('rename', (edits) => edits.rename()),
    command('acceptHunk', (edits, uri, part) => edits.acceptHunk(uri, part)),
    command('rejectHunk', (edits, uri, part) => edits.rejectHunk(uri, part)),
    command('acceptAll', (edits, uri) => edits.acceptAll(uri)),
    command('rejectAll', (edits, uri) => edits.rejectAll(uri)),
    command('nextHunk', (edits, uri) => {
      edits.nextHunk(uri, 1);
    }),
    command('previousHunk', (edits, uri) => {
      edits.nextHunk(uri, -1);
    }),
    command('stop', (edits, uri) => {
      edits.stop(uri);
    }),
    command('retry', (edits, uri) => edits.retry(uri)),
    command('sideBySide', (edits, uri) => edits.sideBySide(uri)),
    // Of lenses and code actions alone.
    command('applied', (edits, applied) => edits.applied(applied)),
    command('focus', (edits, uri) => edits.focus(uri)),
    command('nextError', (edits, uri) => {
      edits.nextError(uri);
    }),
    command('retryWithErrors', (edits, uri) => edits.retryWithErrors(uri)),
  );
}
