/** The change that was just made, offered at the next place: when to ask for it. What is shown of it is loaded with the first question. */
import { commands, Disposable, window, workspace, type TextDocument, type TextEditor } from 'vscode';
import type { NiwakiContext } from '../../context';
import { isWrittenIn } from '../../documents';
import type { NextEditView } from './nextEditView';

/** Nobody wants to hear of the next change while this one is being typed. */
const restMs = 400;

export function activate(context: NiwakiContext): Disposable {
  const { server, config } = context;
  let timer: NodeJS.Timeout | undefined;
  let view: Promise<NextEditView> | undefined;
  const loaded = (): Promise<NextEditView> => {
    view ??= import('./nextEditView').then(({ NextEditView }) => {
      const made = new NextEditView(context);
      context.extension.subscriptions.push(made);
      return made;
    });
    return view;
  };
  const isWanted = ({ document }: TextEditor): boolean =>
    isWrittenIn(document) &&
    config.nextEditsIn(document.languageId) &&
    config.enabledFor(document.languageId);
  /** Where the change was made, or nowhere: who has gone on to another document has left it for now. */
  const ask = (changed: TextDocument): void => {
    const editor = window.activeTextEditor;
    if (editor?.document === changed && server.status !== undefined && isWanted(editor)) {
      void loaded().then((made) => made.ask(editor));
    }
  };
  const command = (name: string, run: (made: NextEditView) => unknown): Disposable =>
    commands.registerCommand(`niwaki.nextEdit.${name}`, async () => run(await loaded()));
  return Disposable.from(
    workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      const editor = window.activeTextEditor;
      if (contentChanges.length === 0 || editor?.document !== document) {
        return;
      }
      clearTimeout(timer);
      void view?.then((made) => {
        made.changed(document);
      });
      if (isWanted(editor)) {
        timer = setTimeout(ask, restMs, document);
      }
    }),
    config.onDidChange(() => {
      const editor = window.activeTextEditor;
      if (editor === undefined || !isWanted(editor)) {
        void view?.then((made) => {
          made.clear();
        });
      }
    }),
    command('jump', (made) => {
      made.jump();
    }),
    command('accept', (made) => made.accept()),
    command('dismiss', (made) => made.dismiss()),
    {
      dispose: () => {
        clearTimeout(timer);
      },
    },
  );
}
