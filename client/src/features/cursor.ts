/** Tells the server where the cursor rests, so that it can compute in advance what a completion there will need. */
import { Disposable, window } from 'vscode';
import type { NiwakiContext } from '../context';
import { isWrittenIn } from '../documents';

/** Keys that are held down, and clicks on the way to a place, tell nothing. */
const restMs = 150;

export function activate({ server, config }: NiwakiContext): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    const editor = window.activeTextEditor;
    if (editor === undefined) {
      return;
    }
    const { document, selection } = editor;
    if (isWrittenIn(document) && config.enabledFor(document.languageId)) {
      server.sendCursor(document.uri, selection.active);
    }
  };
  const moved = (): void => {
    clearTimeout(timer);
    timer = setTimeout(tell, restMs);
  };
  let running = false;
  return Disposable.from(
    // Where the cursor was when the server came, nobody has told it.
    server.onStatus((status) => {
      if (status !== undefined && !running) {
        moved();
      }
      running = status !== undefined;
    }),
    window.onDidChangeActiveTextEditor(moved),
    window.onDidChangeTextEditorSelection(({ textEditor }) => {
      if (textEditor === window.activeTextEditor) {
        moved();
      }
    }),
    {
      dispose: () => {
        clearTimeout(timer);
      },
    },
  );
}
