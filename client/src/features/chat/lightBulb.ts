/** What the light bulb's menu offers of the chat. It is asked at every move of the cursor, so it is loaded with the extension and looks at nothing. */
import {
  CodeAction,
  CodeActionKind,
  CodeActionTriggerKind,
  l10n,
  languages,
  type CodeActionContext,
  type CodeActionProvider,
  type Disposable,
  type Range,
  type TextDocument,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { documentSelector } from '../../documents';

/** A place in a document: its URI; the first line and character, the last line and character. */
export interface AskedPlace {
  readonly uri: string;
  readonly range: readonly [number, number, number, number];
}

/** Menus give a command a URI, the palette nothing, the light bulb what it was told. */
export function readPlaceAsked(value: unknown): AskedPlace | undefined {
  const { uri, range } = (value ?? {}) as { uri?: unknown; range?: unknown };
  return typeof uri === 'string' &&
    Array.isArray(range) &&
    range.length === 4 &&
    range.every(Number.isInteger)
    ? { uri, range: range as unknown as AskedPlace['range'] }
    : undefined;
}

function action(title: string, kind: CodeActionKind, command: string, args: AskedPlace): CodeAction {
  const made = new CodeAction(title, kind);
  made.command = { command, title, arguments: [args] };
  return made;
}

const explainKind = CodeActionKind.Empty.append('niwaki.explain');
const askKind = CodeActionKind.Empty.append('niwaki.ask');

/** Nothing where nothing is selected and nothing is wrong: a light bulb at every cursor would be in the way. */
const provider = (context: NiwakiContext): CodeActionProvider => ({
  provideCodeActions(
    document: TextDocument,
    range: Range,
    { diagnostics, only, triggerKind }: CodeActionContext,
  ): CodeAction[] {
    if (!context.config.chatActions() || only?.contains(CodeActionKind.Refactor) === true) {
      return [];
    }
    const { start, end } = range;
    const args: AskedPlace = {
      uri: document.uri.toString(),
      range: [start.line, start.character, end.line, end.character],
    };
    const fixes =
      diagnostics.length === 0
        ? []
        : [action(l10n.t('Ask Niwaki about the problem'), CodeActionKind.QuickFix, 'niwaki.chat.fix', args)];
    for (const fix of fixes) {
      fix.diagnostics = [...diagnostics];
    }
    // Only where the menu is asked for: by themselves they would light the bulb at every selection.
    const isAsked = triggerKind === CodeActionTriggerKind.Invoke;
    const about =
      range.isEmpty || !isAsked
        ? []
        : [
            action(l10n.t('Explain with Niwaki'), explainKind, 'niwaki.chat.explain', args),
            action(l10n.t('Ask Niwaki about the selection'), askKind, 'niwaki.chat.askSelection', args),
          ];
    return [...fixes, ...about];
  },
});

export function registerLightBulb(context: NiwakiContext): Disposable {
  return languages.registerCodeActionsProvider(documentSelector, provider(context), {
    providedCodeActionKinds: [CodeActionKind.QuickFix, explainKind, askKind],
  });
}
