/**
 * A change that a code block leads to: first a difference to look at, then, when the user accepts it, one edit that can be undone as one. A file that
 * has changed meanwhile is left as it is. One change at a time: another takes the place of one that was not decided.
 */
import { minimalEdits } from '#protocol';
import {
  commands,
  l10n,
  Range,
  TabInputTextDiff,
  Uri,
  window,
  workspace,
  WorkspaceEdit,
  type Disposable,
  type TextDocumentContentProvider,
} from 'vscode';
import { isInWorkspace, nameOf } from '../../insideWorkspace';

const scheme = 'niwaki-change';
const contextKey = 'niwaki.chat.change';

export type ProposalState = 'open' | 'accepted' | 'rejected' | 'stale';

interface Proposal {
  readonly request: number;
  readonly file: Uri;
  readonly result: Uri;
  /** The file's text when the difference was made. */
  readonly before: string;
  readonly version: number;
  readonly after: string;
}

export class Proposals implements TextDocumentContentProvider, Disposable {
  private readonly registration = workspace.registerTextDocumentContentProvider(scheme, this);
  private current: Proposal | undefined;
  private made = 0;

  constructor(
    private readonly onState: (request: number, state: ProposalState, label: string) => void,
    /** A sentence for the user. */
    private readonly tell: (text: string) => void,
  ) {}

  provideTextDocumentContent(uri: Uri): string {
    return uri.toString() === this.current?.result.toString() ? this.current.after : '';
  }

  /** Shows what would become of a file. `title`: of the difference. */
  async open(
    request: number,
    file: Uri,
    before: string,
    version: number,
    after: string,
    title: string,
  ): Promise<void> {
    await this.drop('rejected');
    this.made += 1;
    const result = Uri.from({ scheme, path: file.path, query: String(this.made) });
    this.current = { request, file, result, before, version, after };
    await commands.executeCommand('setContext', contextKey, true);
    await commands.executeCommand('vscode.diff', file, result, title, { preview: true });
    this.onState(request, 'open', nameOf(file));
  }

  /** `request`: the one that is meant; undefined = whichever is shown. */
  async decide(accept: boolean, request?: number): Promise<void> {
    const { current } = this;
    if (current === undefined || (request !== undefined && request !== current.request)) {
      this.tell(l10n.t('There is no change to decide on any more.'));
      return;
    }
    if (!accept) {
      await this.drop('rejected');
      return;
    }
    const document = await workspace.openTextDocument(current.file);
    const unchanged = document.version === current.version && document.getText() === current.before;
    if (!unchanged || !(await isInWorkspace(current.file))) {
      await this.refuse(current);
      return;
    }
    const edit = new WorkspaceEdit();
    const pieces = minimalEdits(current.before, current.after);
    for (const { start, end, text } of pieces) {
      edit.replace(current.file, new Range(document.positionAt(start), document.positionAt(end)), text);
    }
    // VS Code itself compares the version once more before it writes; of no edits at all it says that they failed.
    if (document.version !== current.version || (pieces.length > 0 && !(await workspace.applyEdit(edit)))) {
      await this.refuse(current);
      return;
    }
    await this.drop('accepted');
    // Nothing moves what stands before the first piece.
    const first = document.positionAt(pieces[0]?.start ?? 0);
    await window.showTextDocument(document, {
      selection: new Range(first, first),
      preview: false,
    });
  }

  dispose(): void {
    this.registration.dispose();
  }

  private async refuse(current: Proposal): Promise<void> {
    await this.drop('stale');
    this.tell(
      l10n.t(
        'Niwaki: {0} has changed since the difference was made. Nothing was written; apply the code again to see a new difference.',
        nameOf(current.file),
      ),
    );
  }

  private async drop(state: Exclude<ProposalState, 'open'>): Promise<void> {
    const { current } = this;
    if (current === undefined) {
      return;
    }
    this.current = undefined;
    await commands.executeCommand('setContext', contextKey, false);
    const tabs = window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(
        ({ input }) =>
          input instanceof TabInputTextDiff && input.modified.toString() === current.result.toString(),
      );
    await window.tabGroups.close(tabs);
    this.onState(current.request, state, nameOf(current.file));
  }
}
