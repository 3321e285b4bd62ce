/** A line above each function and class that offers to edit it; only where the user has switched it on. */
import {
  CodeLens,
  Disposable,
  l10n,
  languages,
  type CodeLensProvider,
  type DocumentSymbol,
  type TextDocument,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { documentSelector } from '../../documents';
import { askedKinds, symbolsOf } from '../../editorPlaces';

function lensesFor(document: TextDocument, symbols: readonly DocumentSymbol[]): CodeLens[] {
  return symbols.flatMap(({ kind, range, children }) => {
    const { start, end } = range;
    const place = {
      uri: document.uri.toString(),
      range: [start.line, start.character, end.line, end.character],
    };
    const own = askedKinds.has(kind)
      ? [
          new CodeLens(range.with({ end: start }), {
            title: l10n.t('Niwaki: Edit'),
            command: 'niwaki.edit.start',
            arguments: [place],
          }),
        ]
      : [];
    return [...own, ...lensesFor(document, children)];
  });
}

/** Registered only while it is wanted, so that VS Code asks nobody else's tools for nothing. */
export function registerFunctionLens(context: NiwakiContext): Disposable {
  const provider: CodeLensProvider = {
    provideCodeLenses: async (document) => lensesFor(document, await symbolsOf(document)),
  };
  let registration: Disposable | undefined;
  const follow = (): void => {
    if (!context.config.editLens()) {
      registration?.dispose();
      registration = undefined;
    } else {
      registration ??= languages.registerCodeLensProvider(documentSelector, provider);
    }
  };
  follow();
  return Disposable.from(
    context.config.onDidChange(follow),
    new Disposable(() => {
      registration?.dispose();
    }),
  );
}
