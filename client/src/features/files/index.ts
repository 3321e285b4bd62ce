/** Files from prompts: the commands, and what they do loaded with the first of them. */
import { commands, Disposable, TabInputText, TabInputTextDiff, window } from 'vscode';
import type { NiwakiContext } from '../../context';
import type { NewFiles } from './newFiles';

/** Of documents that do not outlive the window. */
const schemes = ['niwaki-plan', 'niwaki-new'];

/** Tabs of a window that was reloaded: nobody knows any more what was in them. */
function closeLeftTabs(): void {
  const left = window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter(
      ({ input }) =>
        (input instanceof TabInputText && schemes.includes(input.uri.scheme)) ||
        (input instanceof TabInputTextDiff && schemes.includes(input.modified.scheme)),
    );
  if (left.length > 0) {
    void window.tabGroups.close(left);
  }
}

export function activate(context: NiwakiContext): Disposable {
  let loading: Promise<NewFiles> | undefined;
  const flow = (): Promise<NewFiles> => {
    loading ??= import('./newFiles').then(({ NewFiles }) => {
      const made = new NewFiles(context);
      context.extension.subscriptions.push(made);
      return made;
    });
    return loading;
  };
  const command = (name: string, run: (files: NewFiles, asked?: unknown) => unknown): Disposable =>
    commands.registerCommand(`niwaki.files.${name}`, async (asked?: unknown) => run(await flow(), asked));
  closeLeftTabs();
  return Disposable.from(
    // A folder of the explorer; from other features { request, folder }.
    command('generate', (files, asked) => files.generate(asked)),
    command('write', (files) => files.write()),
    command('cancel', (files) => files.cancel()),
    command('create', (files) => files.create()),
    command('discard', (files) => files.discard()),
    command('again', (files) => files.write()),
  );
}
