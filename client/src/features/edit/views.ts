/**
 * The views in which changes are decided on: their texts, their marks and lenses, which of them is meant, and where the cursor is led.
 * What is done with a change is editView.ts's.
 */
import {
  commands,
  Disposable,
  EventEmitter,
  l10n,
  languages,
  Range,
  Selection,
  TabInputText,
  TextEditorRevealType,
  window,
  workspace,
  type CodeLens,
  type CodeLensProvider,
  type TextDocument,
  type TextDocumentContentProvider,
  type TextEditor,
  type Uri,
} from 'vscode';
import { Decorations } from './decorations';
import { lensesOf } from './lenses';
import type { Problem } from './problems';
import { shownLineOf, shownLinesOf } from './review';
import type { EditSession } from './session';
import { scheme, tabsOf, tabsThatCompare, textOf } from './viewTexts';

/** Milliseconds between two looks of a view whose text grows. */
const drawMs = 80;
/** Between two looks at what stands above its lines. */
const lensMs = 500;
const saidMs = 5_000;

export interface View {
  readonly session: EditSession;
  /** What the document's result is shown under, side by side. */
  readonly result: Uri;
  /** Of the document, before anything was accepted. */
  readonly errors: readonly Problem[];
  drawing: NodeJS.Timeout | undefined;
  /** Where the cursor goes once the view has its text. */
  leadTo: 'first' | 'next' | undefined;
}

/** Said in the status bar, which screen readers read out. */
export function say(text: string): void {
  window.setStatusBarMessage(`Niwaki: ${text}`, saidMs);
}

export class Views implements TextDocumentContentProvider, CodeLensProvider, Disposable {
  private readonly views = new Map<string, View>();
  private readonly contents = new EventEmitter<Uri>();
  private readonly lenses = new EventEmitter<void>();
  readonly onDidChange = this.contents.event;
  readonly onDidChangeCodeLenses = this.lenses.event;
  private readonly decorations: Decorations;
  private readonly subscriptions: Disposable;
  private lensDrawing: NodeJS.Timeout | undefined;

  constructor(extension: Uri) {
    this.decorations = new Decorations(extension, () => {
      this.drawAll();
    });
    this.subscriptions = Disposable.from(
      this.decorations,
      workspace.registerTextDocumentContentProvider(scheme, this),
      languages.registerCodeLensProvider({ scheme }, this),
      workspace.onDidChangeTextDocument((event) => {
        this.of(event.document)?.session.documentChanged(event);
        this.drawn(event.document);
      }),
      workspace.onDidRenameFiles(({ files }) => {
        for (const { oldUri, newUri } of files) {
          void this.follow(oldUri, newUri);
        }
      }),
      window.onDidChangeVisibleTextEditors(() => {
        this.drawAll();
      }),
      window.onDidChangeActiveTextEditor(() => {
        this.setContext();
      }),
      window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const { input } of closed) {
          const view = input instanceof TabInputText ? this.views.get(input.uri.toString()) : undefined;
          if (view !== undefined && tabsOf(view.session.uri).length === 0) {
            this.forget(view);
          }
        }
      }),
    );
  }

  provideTextDocumentContent(uri: Uri): string {
    const view = this.views.get(uri.toString());
    if (view !== undefined) {
      return view.session.shown.text;
    }
    const results = [...this.views.values()].find(({ result }) => result.toString() === uri.toString());
    // VS Code remembers views that were closed, and opens them again.
    return results?.session.result ?? l10n.t('This change has been decided on.');
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const view = this.views.get(document.uri.toString());
    // Asked for again when the text has come.
    return view?.session.shown.text === textOf(document) ? lensesOf(view.session) : [];
  }

  add(view: View): void {
    this.views.set(view.session.uri.toString(), view);
  }

  /** Whether there is still something to decide on. */
  has({ session }: View): boolean {
    return this.views.has(session.uri.toString());
  }

  /** Whether the view shows what there is. What is not shown yet was seen by nobody, and the cursor's line may be another part's. */
  isSeen({ session }: View): boolean {
    const uri = session.uri.toString();
    const shown = workspace.textDocuments.find((one) => one.uri.toString() === uri);
    const isSeen = shown !== undefined && textOf(shown) === session.shown.text;
    if (!isSeen) {
      say(l10n.t('{0} has changed meanwhile. Look at the change once more.', session.name));
    }
    return isSeen;
  }

  /** The cursor to the next part, or the one before; round and round. */
  goOn(view: View, step: 1 | -1): void {
    const editor = this.editorOf(view);
    if (editor === undefined) {
      return;
    }
    const lines = view.session.review.parts
      .flatMap(({ id }) => shownLinesOf(view.session.shown, id)?.start ?? [])
      .sort((a, b) => (a - b) * step);
    const line = editor.selection.active.line;
    // Where there is a change at the cursor, even a line of it, that is the one to leave.
    const part = view.session.shown.lines[line]?.part ?? -1;
    const here = shownLinesOf(view.session.shown, part)?.start ?? line;
    const next = lines.find((one) => (one - here) * step > 0) ?? lines[0];
    if (next !== undefined) {
      this.lead(editor, next);
    }
  }

  forget(view: View): void {
    view.session.dispose();
    clearTimeout(view.drawing);
    this.views.delete(view.session.uri.toString());
    this.setContext();
    void window.tabGroups.close(tabsThatCompare(view.result)).then(undefined, () => undefined);
  }

  private async follow(from: Uri, to: Uri): Promise<void> {
    for (const { session } of this.views.values()) {
      const { uri } = session.document;
      const isThere = uri.scheme === from.scheme && uri.authority === from.authority;
      if (isThere && (uri.path === from.path || uri.path.startsWith(`${from.path}/`))) {
        const renamed = to.with({ path: to.path + uri.path.slice(from.path.length) });
        await workspace.openTextDocument(renamed).then(
          (document) => {
            session.renamed(document);
          },
          () => undefined, // whoever accepts something is told that it is gone
        );
      }
    }
  }

  of(document: TextDocument): View | undefined {
    const uri = document.uri.toString();
    return [...this.views.values()].find(({ session }) => session.document.uri.toString() === uri);
  }

  /** Of a lens; or of the editor that has the focus. */
  at(uri: unknown): View | undefined {
    const key = typeof uri === 'string' ? uri : window.activeTextEditor?.document.uri.toString();
    return this.views.get(key ?? '');
  }

  partAt(uri: unknown, part: unknown): { readonly view: View; readonly id: number } | undefined {
    const view = this.at(uri);
    if (view?.session.phase !== 'deciding' || !this.isSeen(view)) {
      return undefined;
    }
    const line = this.editorOf(view)?.selection.active.line ?? -1;
    const id = typeof part === 'number' ? part : (view.session.shown.lines[line]?.part ?? -1);
    if (!view.session.review.parts.some((one) => one.id === id)) {
      say(l10n.t('the cursor is in no change. Go to the next one first.'));
      return undefined;
    }
    return { view, id };
  }

  editorOf({ session }: View): TextEditor | undefined {
    const uri = session.uri.toString();
    const active = window.activeTextEditor;
    return active?.document.uri.toString() === uri
      ? active
      : window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri);
  }

  lead(editor: TextEditor, line: number): void {
    editor.selection = new Selection(line, 0, line, 0);
    editor.revealRange(new Range(line, 0, line, 0), TextEditorRevealType.InCenterIfOutsideViewport);
  }

  /** Has VS Code fetch the view's text; the marks come with it. */
  draw(view: View): void {
    view.drawing ??= setTimeout(() => {
      view.drawing = undefined;
      this.contents.fire(view.session.uri);
      this.contents.fire(view.result);
      this.drawAll();
      this.setContext();
    }, drawMs);
  }

  drawAll(): void {
    for (const { document } of window.visibleTextEditors) {
      this.drawn(document);
    }
  }

  private drawn(document: TextDocument): void {
    const view = this.views.get(document.uri.toString());
    if (view?.session.shown.text !== textOf(document)) {
      return;
    }
    const { session } = view;
    const { shown, range } = session;
    const isWriting = session.phase === 'asking';
    const first = shownLineOf(shown, range.start);
    const last = Math.max(first, shownLineOf(shown, range.end) - 1);
    for (const editor of window.visibleTextEditors.filter((one) => one.document === document)) {
      const writing = isWriting ? new Range(first, 0, last, 0) : undefined;
      this.decorations.show(editor, { shown, writing, problems: this.problemLines(view) });
    }
    this.drawLenses();
    const editor = this.editorOf(view);
    const [part] = session.review.parts;
    if (!isWriting && view.leadTo !== undefined && editor !== undefined && part !== undefined) {
      const isNext = view.leadTo === 'next';
      view.leadTo = undefined;
      if (isNext) {
        this.goOn(view, 1);
      } else {
        this.lead(editor, shownLinesOf(shown, part.id)?.start ?? first);
      }
    }
  }

  /** VS Code waits for a pause in these, and each event ends a pause. */
  private drawLenses(): void {
    this.lensDrawing ??= setTimeout(() => {
      this.lensDrawing = undefined;
      this.lenses.fire();
    }, lensMs);
  }

  problemLines({ session }: View): Map<number, string> {
    const lines = new Map<number, string>();
    for (const { part, at, message } of session.openProblems) {
      const start = shownLinesOf(session.shown, part)?.start;
      if (start !== undefined) {
        const said = lines.get(start + at);
        lines.set(start + at, said === undefined ? message : `${said} ${message}`);
      }
    }
    return lines;
  }

  dispose(): void {
    this.subscriptions.dispose();
    for (const view of this.views.values()) {
      view.session.dispose();
      clearTimeout(view.drawing);
    }
    this.views.clear();
    clearTimeout(this.lensDrawing);
    this.contents.dispose();
    this.lenses.dispose();
  }

  private setContext(): void {
    const view = this.at(undefined);
    void commands.executeCommand('setContext', 'niwaki.edit.phase', view?.session.phase ?? '');
  }
}
