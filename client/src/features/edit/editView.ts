/**
 * Edits in place: each in a view of its own (views.ts), a read-only document that shows the whole file with what the change would remove and add.
 * This is what begins a change, and what is done with one. A bundle of its own, loaded with the first command or code action.
 */
import type { EditTask } from '#protocol';
import {
  commands,
  Disposable,
  l10n,
  languages,
  Range,
  Selection,
  TextEditorLineNumbersStyle,
  TextEditorRevealType,
  Uri,
  window,
  workspace,
  type CancellationToken,
  type TextDocument,
  type TextEditor,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { isWrittenIn } from '../../documents';
import { nameOf } from '../../insideWorkspace';
import { messages } from '../../ui/messages';
import type { EditAction } from './actionList';
import { ActionResolver, type Applied } from './actions';
import { tellAddedErrors } from './afterwards';
import { Checker, errorsOf } from './check';
import { askInstruction } from './instruction';
import { problemsLabel } from './lenses';
import { carriedLines, shownLineOf } from './review';
import { renameWithNiwaki } from './rename';
import { EditSession, type Asked } from './session';
import { targetAt, type Target } from './target';
import { say, Views, type View } from './views';
import { readPlace, scheme, showFile, tabsOf, viewLanguage } from './viewTexts';
import { whyReadOnly } from './writing';

export class EditView implements Disposable {
  private readonly views: Views;
  private readonly checker = new Checker();
  private readonly actions: ActionResolver;
  private made = 0;

  constructor(private readonly context: NiwakiContext) {
    this.views = new Views(context.extension.extensionUri);
    this.actions = new ActionResolver(context, this.checker);
  }

  resolve(action: EditAction, token: CancellationToken): Promise<EditAction> {
    return this.actions.resolve(action, token);
  }

  /** A code action was confirmed, and its edit made. */
  async applied(applied: unknown): Promise<void> {
    const { uri, before } = applied as Applied;
    await tellAddedErrors(Uri.parse(uri), before, 1);
  }

  rename(): Promise<void> {
    return renameWithNiwaki(this.context);
  }

  /** "Edit with Instruction…". Lenses say where; menus give a URI, and mean the cursor as keys do. */
  async start(asked: unknown): Promise<void> {
    const place = readPlace(asked);
    const editor = window.activeTextEditor;
    const document = place === undefined ? editor?.document : await workspace.openTextDocument(place.uri);
    if (document === undefined || document.uri.scheme === scheme || !isWrittenIn(document)) {
      void messages.warn(l10n.t('Niwaki: open the file that is to be edited, and place the cursor in it.'));
      return;
    }
    if (await this.showOpen(document)) {
      return;
    }
    const refusal = await whyReadOnly(document);
    if (refusal !== '') {
      void messages.warn(refusal);
      return;
    }
    const text = document.getText();
    const target = await targetAt(document, place?.range ?? editor?.selection ?? new Range(0, 0, 0, 0));
    if (typeof target === 'string') {
      void messages.warn(target);
      return;
    }
    const instruction = await askInstruction(this.context.extension.workspaceState, target.label);
    // Both may have come about while the box was open.
    if (instruction !== undefined && !(await this.showOpen(document))) {
      const range = carriedLines(text, document.getText(), target.range);
      await this.begin({ ...target, range }, 'instruct', instruction);
    }
  }

  async acceptHunk(uri: unknown, part: unknown): Promise<void> {
    const found = this.views.partAt(uri, part);
    if (found === undefined) {
      return;
    }
    const { view, id } = found;
    if (view.session.openIds.includes(id)) {
      await this.accept(view, [id]);
    } else {
      say(l10n.t('this part fits no more: the text has changed meanwhile. Drop it, or try again.'));
    }
  }

  async rejectHunk(uri: unknown, part: unknown): Promise<void> {
    const found = this.views.partAt(uri, part);
    if (found !== undefined) {
      found.view.session.reject([found.id]);
      await this.decided(found.view, l10n.t('rejected.'));
    }
  }

  async acceptAll(uri: unknown): Promise<void> {
    const view = this.views.at(uri);
    if (view?.session.phase === 'deciding' && this.views.isSeen(view)) {
      await this.accept(view, view.session.openIds);
    }
  }

  async rejectAll(uri: unknown): Promise<void> {
    const view = this.views.at(uri);
    if (view !== undefined) {
      view.session.stop();
      view.session.reject(view.session.review.parts.map(({ id }) => id));
      await this.finish(view, l10n.t('rejected.'));
    }
  }

  stop(uri: unknown): void {
    this.views.at(uri)?.session.stop();
  }

  async retry(uri: unknown): Promise<void> {
    const view = this.views.at(uri);
    if (view === undefined) {
      return;
    }
    const { session } = view;
    const label = nameOf(session.document.uri);
    const memento = this.context.extension.workspaceState;
    const instruction = await askInstruction(memento, label, session.asked.instruction);
    if (instruction !== undefined) {
      await this.ask(view, { ...session.asked, instruction, problems: [], tried: '' });
    }
  }

  async retryWithErrors(uri: unknown): Promise<void> {
    const view = this.views.at(uri);
    if (view !== undefined) {
      const { session } = view;
      const problems = session.openProblems.map(({ line, message }) => ({ line, message }));
      await this.ask(view, { ...session.asked, problems, tried: session.triedText });
    }
  }

  async sideBySide(uri: unknown): Promise<void> {
    const view = this.views.at(uri);
    if (view !== undefined) {
      const title = l10n.t('{0}: the change', view.session.name);
      await commands.executeCommand('vscode.diff', view.session.document.uri, view.result, title);
    }
  }

  nextHunk(uri: unknown, step: 1 | -1): void {
    const view = this.views.at(uri);
    if (view !== undefined) {
      this.views.goOn(view, step);
    }
  }

  nextError(uri: unknown): void {
    const view = this.views.at(uri);
    const editor = view === undefined ? undefined : this.views.editorOf(view);
    const [line] = view === undefined ? [] : this.views.problemLines(view).keys();
    if (editor !== undefined && line !== undefined) {
      this.views.lead(editor, line);
    }
  }

  async focus(uri: unknown): Promise<void> {
    const view = this.views.at(uri);
    if (view !== undefined) {
      await window.showTextDocument(view.session.uri, { preview: false });
    }
  }

  dispose(): void {
    this.views.dispose();
    this.checker.dispose();
  }

  private async begin(target: Target, task: EditTask, instruction: string): Promise<void> {
    const { document } = target;
    this.made += 1;
    const path = `/${document.uri.path.replace(/^\//, '')}`;
    const uri = Uri.from({ scheme, path: `${path} (edit)`, query: String(this.made) });
    const result = Uri.from({ scheme, path, query: `${String(this.made)}-result` });
    const session = new EditSession(this.context, document, target.range, uri, () => {
      this.views.draw(view);
    });
    const view: View = {
      session,
      result,
      errors: errorsOf(document.uri),
      drawing: undefined,
      leadTo: undefined,
    };
    this.views.add(view);
    const from = window.visibleTextEditors.find((one) => one.document === document);
    const asking = this.ask(view, { task, instruction, problems: [], tried: '' });
    try {
      await this.open(view, from);
    } catch (error) {
      this.views.forget(view); // without a tab nobody could decide on it, and no other change of the file would begin
      throw error;
    }
    await asking;
  }

  /** Shows the change of a document that is to be decided on; false = there is none. */
  private async showOpen(document: TextDocument): Promise<boolean> {
    const open = this.views.of(document);
    if (open === undefined) {
      return false;
    }
    await window.showTextDocument(open.session.uri, { preview: false });
    say(l10n.t('there is a change of {0} to decide on first.', open.session.name));
    return true;
  }

  private async open({ session }: View, from: TextEditor | undefined): Promise<void> {
    const opened = await workspace.openTextDocument(session.uri);
    const document = await languages.setTextDocumentLanguage(
      opened,
      viewLanguage(session.document.languageId),
    );
    const editor = await window.showTextDocument(document, {
      preview: false,
      ...(from?.viewColumn === undefined ? {} : { viewColumn: from.viewColumn }),
    });
    // The lines are not the file's.
    editor.options = { ...editor.options, lineNumbers: TextEditorLineNumbersStyle.Off };
    const top = from?.visibleRanges[0]?.start.line;
    const line = shownLineOf(session.shown, session.range.start);
    editor.selection = new Selection(line, 0, line, 0);
    if (top !== undefined && line >= top) {
      editor.revealRange(new Range(top, 0, top, 0), TextEditorRevealType.AtTop);
    }
    editor.revealRange(new Range(line, 0, line, 0), TextEditorRevealType.InCenterIfOutsideViewport);
  }

  private async ask(view: View, asked: Asked): Promise<void> {
    const { session } = view;
    view.leadTo = 'first';
    say(l10n.t('the change is being written.'));
    await session.ask(asked);
    if (!this.views.has(view) || session.phase !== 'deciding') {
      return;
    }
    if (session.openIds.length > 0) {
      await session.check(this.checker);
    }
    const open = session.openIds.length;
    const adds = problemsLabel(session);
    say(
      [session.problem, open === 0 ? '' : l10n.t('Parts to decide on: {0}.', open), adds]
        .filter((text) => text !== '')
        .join(' '),
    );
  }

  private async accept(view: View, ids: readonly number[]): Promise<void> {
    const problem = await view.session.accept(ids);
    if (problem === undefined) {
      return; // it is being accepted already
    }
    if (problem !== '') {
      say(problem);
      void messages.warn(problem);
      return;
    }
    await this.decided(view, ids.length === 1 ? l10n.t('accepted.') : l10n.t('all accepted.'));
  }

  private async decided(view: View, said: string): Promise<void> {
    const { parts } = view.session.review;
    if (parts.length === 0 && view.session.phase === 'deciding') {
      await this.finish(view, said);
      return;
    }
    say(`${said} ${l10n.t('Parts to decide on: {0}.', parts.length)}`);
    view.leadTo = 'next';
    this.views.draw(view);
  }

  /** All is decided: back to the file, where it was changed. */
  private async finish(view: View, said: string): Promise<void> {
    const { session } = view;
    const [tab] = tabsOf(session.uri);
    this.views.forget(view);
    say(said);
    const line = session.lastLine ?? session.range.start;
    await showFile(session.document, line, tab?.group.viewColumn).catch(() => undefined);
    await window.tabGroups.close(tabsOf(session.uri)).then(undefined, () => undefined);
    if (session.steps > 0) {
      await tellAddedErrors(session.document.uri, view.errors, session.undos);
    }
  }
}
