/**
 * What a chosen code action does: the server writes the change, what it would break is looked up, and VS Code shows it in its Refactor Preview, where it
 * is confirmed. Nothing is changed here.
 */
import type { EditProblem, EditRequest, FileChange } from '#protocol';
import { minimalEdits } from '#protocol/minimalEdits';
import { applyEdits, goodEdits, rebaseEdits, type TextEdits } from '#protocol/textEdits';
import { lineStarts } from '#protocol/textLines';
import {
  l10n,
  Position,
  ProgressLocation,
  ThemeIcon,
  Uri,
  window,
  workspace,
  WorkspaceEdit,
  type CancellationToken,
  type TextDocument,
  type WorkspaceEditEntryMetadata,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { isInWorkspace, nameOf, wouldBeInWorkspace } from '../../insideWorkspace';
import { messages } from '../../ui/messages';
import type { AskedAction, EditAction } from './actionList';
import { errorsOf, type Checker } from './check';
import { addedWords } from './lenses';
import type { Problem } from './problems';
import { targetAt, targetOf } from './target';
import { rangeOf, whyReadOnly } from './writing';

interface Proposed {
  readonly changes: readonly FileChange[];
  /** Errors that it adds to the document, in lines of the changed text. */
  readonly added: readonly Problem[];
}

/** For the comparison after the change was made. */
export interface Applied {
  readonly uri: string;
  readonly before: readonly Problem[];
}

class Refusal extends Error {}

function changeOf(changes: readonly FileChange[], document: TextDocument): FileChange | undefined {
  return changes.find(({ uri }) => Uri.parse(uri).toString() === document.uri.toString());
}

export class ActionResolver {
  constructor(
    private readonly context: NiwakiContext,
    private readonly checker: Checker,
  ) {}

  async resolve(action: EditAction, token: CancellationToken): Promise<EditAction> {
    try {
      const document = await workspace.openTextDocument(Uri.parse(action.asked.uri, true));
      const before = errorsOf(document.uri);
      action.edit = await window.withProgress(
        { location: ProgressLocation.Notification, title: action.title, cancellable: true },
        async (progress, cancelled) => {
          const last = { share: 0 };
          return this.make(action, document, eitherToken(token, cancelled), (phase, share) => {
            const increment = Math.max(0, (share - last.share) * 100);
            last.share = Math.max(last.share, share);
            progress.report({ message: phase, increment });
          });
        },
      );
      // What tests are written into is another file: an undo of this one would take back what the user has typed.
      if (action.edit.has(document.uri)) {
        const applied: Applied = { uri: document.uri.toString(), before };
        // VS Code runs it once the edit was confirmed and made.
        action.command = { command: 'niwaki.edit.applied', title: action.title, arguments: [applied] };
      }
    } catch (error) {
      const isOurs = error instanceof Refusal;
      const reason = error instanceof Error ? error.message : String(error);
      this.context.log.warn(`A code action failed: ${reason}`);
      if (!token.isCancellationRequested && reason !== '') {
        void messages.warn(
          isOurs ? reason : l10n.t('Niwaki’s process has ended or did not answer. Nothing was changed.'),
        );
      }
    }
    return action;
  }

  private async make(
    { asked, title }: EditAction,
    document: TextDocument,
    token: CancellationToken,
    report: (phase: string, share: number) => void,
  ): Promise<WorkspaceEdit> {
    if (document.version !== asked.version) {
      throw new Refusal(l10n.t('{0} has changed meanwhile. Choose the action again.', nameOf(document.uri)));
    }
    const refusal = await whyReadOnly(document);
    if (refusal !== '') {
      throw new Refusal(refusal);
    }
    const text = document.getText();
    const range = await rangeOfAction(asked, document);
    const ask = (problems: readonly EditProblem[], tried: string): Promise<Proposed> =>
      this.ask(document, text, { ...asked, range }, problems, tried, token, report);
    let proposed = await ask(asked.problems, '');
    const change = changeOf(proposed.changes, document);
    if (proposed.added.length > 0 && change !== undefined && document.version === asked.version) {
      // Once more, knowing what was wrong; kept where it is better.
      const starts = lineStarts(text);
      const [from, to] = [starts[range.start] ?? text.length, starts[range.end] ?? text.length];
      const after = applyEdits(text, change.edits);
      const tried = after.slice(from, after.length - (text.length - to));
      const again = await ask(
        proposed.added.map(({ line, message }) => ({ line, message })),
        tried,
      ).catch((error: unknown) => {
        if (token.isCancellationRequested) {
          throw error;
        }
        return undefined;
      });
      proposed = again !== undefined && again.added.length < proposed.added.length ? again : proposed;
    }
    return this.workspaceEdit(proposed, document, text, title);
  }

  private async ask(
    document: TextDocument,
    text: string,
    asked: AskedAction & { readonly range: NonNullable<AskedAction['range']> },
    problems: readonly EditProblem[],
    tried: string,
    token: CancellationToken,
    report: (phase: string, share: number) => void,
  ): Promise<Proposed> {
    const client = await this.context.server.edits();
    const { uri, version, task, range } = asked;
    const result: EditRequest.Result = await client.propose(
      { uri, version, range, task, instruction: '', problems, tried },
      ({ phase, share }) => {
        report(
          phase === 'writing' ? l10n.t('writing') : l10n.t('reading'),
          phase === 'writing' ? share * 0.9 : 0,
        );
      },
      token,
    );
    if (result.cancelled || token.isCancellationRequested) {
      throw new Refusal('');
    }
    if (result.problem !== '') {
      throw new Refusal(result.problem);
    }
    const changes = result.changes.filter(({ edits }) => edits.length > 0);
    if (changes.length === 0) {
      throw new Refusal(l10n.t('Niwaki would change nothing here.'));
    }
    const change = changeOf(changes, document);
    if (change === undefined) {
      return { changes, added: [] };
    }
    report(l10n.t('checking'), 0.95);
    const said = await this.checker.added(document, text, applyEdits(text, change.edits), token);
    const broken = change.broken
      .filter(({ line }) => !said.some((one) => one.line === line))
      .map(({ line, message }) => ({ line, message, code: '' }));
    return { changes, added: [...said, ...broken] };
  }

  private async workspaceEdit(
    { changes, added }: Proposed,
    document: TextDocument,
    text: string,
    title: string,
  ): Promise<WorkspaceEdit> {
    const edit = new WorkspaceEdit();
    const warning = addedWords(added.map(({ message }) => message));
    if (warning !== '') {
      // The preview shows a sign beside each change, and its words only where one looks for them.
      void messages.warn(l10n.t('{0}: the change {1}', title, warning));
    }
    for (const change of changes) {
      const uri = Uri.parse(change.uri, true);
      const isDocument = uri.toString() === document.uri.toString();
      const broken = isDocument ? warning : addedWords(change.broken.map(({ message }) => message));
      const metadata: WorkspaceEditEntryMetadata = {
        needsConfirmation: true,
        label: broken === '' ? title : `${title}: ${broken}`,
        description: broken === '' ? nameOf(uri) : broken,
        iconPath: new ThemeIcon(broken === '' ? 'sparkle' : 'error'),
      };
      if (!change.exists) {
        await this.addFile(edit, uri, change, metadata);
      } else {
        await this.addEdits(edit, uri, change, isDocument ? text : undefined, metadata);
      }
    }
    return edit;
  }

  private async addFile(
    edit: WorkspaceEdit,
    uri: Uri,
    { edits }: FileChange,
    metadata: WorkspaceEditEntryMetadata,
  ): Promise<void> {
    if (!(await wouldBeInWorkspace(uri))) {
      throw new Refusal(l10n.t('{0} would lie outside the workspace. Nothing was changed.', uri.fsPath));
    }
    // Its text as an edit of its own: contents that come with the file are nowhere to be seen in the preview.
    edit.createFile(uri, { overwrite: false, ignoreIfExists: false }, metadata);
    edit.insert(uri, new Position(0, 0), applyEdits('', edits), metadata);
  }

  /** `text`: that the edits were made for; undefined = as the file is now. */
  private async addEdits(
    edit: WorkspaceEdit,
    uri: Uri,
    change: FileChange,
    text: string | undefined,
    metadata: WorkspaceEditEntryMetadata,
  ): Promise<void> {
    const document = await workspace.openTextDocument(uri);
    const isKnown = text !== undefined;
    if (
      !isKnown &&
      (!(await isInWorkspace(uri)) ||
        (change.version ?? document.version) !== document.version ||
        change.length !== document.getText().length)
    ) {
      throw new Refusal(l10n.t('{0} has changed meanwhile. Choose the action again.', nameOf(uri)));
    }
    const now = document.getText();
    const edits = isKnown ? carriedTo(now, text, change.edits) : change.edits;
    if (edits === undefined) {
      throw new Refusal(
        l10n.t('{0} has changed where the action would change it. Choose the action again.', nameOf(uri)),
      );
    }
    for (const one of edits) {
      edit.replace(uri, rangeOf(document, one), one.text, metadata);
    }
  }
}

/** Edits of `before`, as edits of what it has become; undefined = one of them does not fit any more. */
function carriedTo(now: string, before: string, edits: TextEdits): TextEdits | undefined {
  if (now === before) {
    return edits;
  }
  const rebased = rebaseEdits(edits, minimalEdits(before, now));
  return rebased.conflicts.length > 0 ? undefined : goodEdits(rebased);
}

async function rangeOfAction(
  { range, place }: AskedAction,
  document: TextDocument,
): Promise<{ start: number; end: number }> {
  if (range !== undefined) {
    return targetOf(document, range).range;
  }
  const target = await targetAt(document, place.with({ end: place.start }));
  if (typeof target === 'string') {
    throw new Refusal(target);
  }
  return target.range;
}

/** Cancelled when either is. */
function eitherToken(one: CancellationToken, other: CancellationToken): CancellationToken {
  return {
    get isCancellationRequested() {
      return one.isCancellationRequested || other.isCancellationRequested;
    },
    onCancellationRequested: (listener, thisArg?: unknown, disposables?) => {
      const both = [one, other].map((each) => each.onCancellationRequested(listener, thisArg, disposables));
      return {
        dispose: () => {
          for (const each of both) {
            each.dispose();
          }
        },
      };
    },
  };
}
