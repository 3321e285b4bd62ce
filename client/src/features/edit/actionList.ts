/**
 * Which code actions there are. VS Code asks at every move of the cursor, so this is loaded with the extension, looks at nothing but the text itself,
 * and offers rewriting only where somebody opens the menu. What an action does is made when it is chosen (`resolve`).
 */
import type { EditProblem, EditTask, LineRange } from '#protocol';
import {
  CodeAction,
  CodeActionKind,
  CodeActionTriggerKind,
  DiagnosticSeverity,
  l10n,
  languages,
  Range,
  type CancellationToken,
  type CodeActionContext,
  type CodeActionProvider,
  type Diagnostic,
  type Disposable,
  type TextDocument,
} from 'vscode';
import { documentSelector } from '../../documents';
import { taskFits } from './tasks';

/** What an action is to do when it is chosen. */
export interface AskedAction {
  readonly uri: string;
  readonly version: number;
  readonly task: EditTask;
  /** undefined = the function around the place, which is looked for then. */
  readonly range: LineRange | undefined;
  readonly place: Range;
  readonly problems: readonly EditProblem[];
}

export class EditAction extends CodeAction {
  constructor(
    title: string,
    kind: CodeActionKind,
    readonly asked: AskedAction,
  ) {
    super(title, kind);
  }
}

const rewrite = CodeActionKind.RefactorRewrite.append('niwaki');
export const fixKind = CodeActionKind.QuickFix.append('niwaki');

const titles: readonly (readonly [Exclude<EditTask, 'instruct' | 'fix'>, () => string])[] = [
  ['simplify', () => l10n.t('Niwaki: simplify')],
  ['extract', () => l10n.t('Niwaki: extract a function')],
  ['toAsync', () => l10n.t('Niwaki: convert callbacks to async')],
  ['toFunctions', () => l10n.t('Niwaki: convert the class to functions')],
  ['addTypes', () => l10n.t('Niwaki: add types')],
  ['document', () => l10n.t('Niwaki: document this')],
  ['tests', () => l10n.t('Niwaki: write tests for this')],
];

const kindOf = (task: EditTask): CodeActionKind => rewrite.append(task);

function linesOf(range: Range): LineRange | undefined {
  const end =
    range.end.character === 0 && range.end.line > range.start.line ? range.end.line : range.end.line + 1;
  return range.isEmpty ? undefined : { start: range.start.line, end };
}

function fixes(document: TextDocument, range: Range, diagnostics: readonly Diagnostic[]): EditAction[] {
  const wrong = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);
  const [first] = wrong;
  if (first === undefined) {
    return [];
  }
  const action = new EditAction(l10n.t('Fix with Niwaki'), fixKind, {
    ...{
      uri: document.uri.toString(),
      version: document.version,
      task: 'fix',
      range: linesOf(range),
      place: first.range,
    },
    problems: wrong.map(({ range: { start }, message }) => ({ line: start.line, message })),
  });
  action.diagnostics = [...wrong];
  return [action];
}

export function provideActions(
  document: TextDocument,
  range: Range,
  { diagnostics, only, triggerKind }: CodeActionContext,
): EditAction[] {
  const wanted = (kind: CodeActionKind): boolean => only === undefined || only.contains(kind);
  const found = wanted(fixKind) ? fixes(document, range, diagnostics) : [];
  // By themselves these would light the bulb at every cursor.
  if (triggerKind !== CodeActionTriggerKind.Invoke || !titles.some(([task]) => wanted(kindOf(task)))) {
    return found;
  }
  const lines = linesOf(range);
  // A function's text is not known here: the lines around the cursor stand for it.
  const near = new Range(Math.max(0, range.start.line - 40), 0, range.end.line + 40, 0);
  const text = document.getText(lines === undefined ? near : new Range(lines.start, 0, lines.end, 0));
  if (text.trim() === '') {
    return found;
  }
  const asked = {
    ...{ uri: document.uri.toString(), version: document.version, range: lines, place: range, problems: [] },
  };
  return [
    ...found,
    ...titles
      .filter(
        ([task]) => wanted(kindOf(task)) && taskFits(task, document.languageId, text, lines !== undefined),
      )
      .map(([task, title]) => new EditAction(title(), kindOf(task), { ...asked, task })),
  ];
}

export function registerActions(
  resolve: (action: EditAction, token: CancellationToken) => Promise<EditAction>,
): Disposable {
  const provider: CodeActionProvider<EditAction> = {
    provideCodeActions: provideActions,
    resolveCodeAction: resolve,
  };
  return languages.registerCodeActionsProvider(documentSelector, provider, {
    providedCodeActionKinds: [rewrite, fixKind],
  });
}
