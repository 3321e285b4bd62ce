/** A commit message for what is staged, written into the source control view's input while one watches. */
import { l10n, ProgressLocation, Uri, window, type CancellationToken } from 'vscode';
import type { NiwakiContext } from '../../context';
import { messages } from '../../ui/messages';
import { repositories, type GitRepository } from './git';

const subjects = 8;

/** The one whose title bar was clicked, the selected one, or the only one. `source`: a SourceControl or its root. */
async function repositoryOf(source: unknown): Promise<GitRepository | undefined> {
  const all = await repositories();
  const { rootUri } = (source ?? {}) as { rootUri?: unknown };
  const root = rootUri instanceof Uri ? rootUri.toString() : undefined;
  return all.find((one) => one.rootUri.toString() === root) ?? all.find((one) => one.ui.selected) ?? all[0];
}

interface Changes {
  readonly diff: string;
  /** Nothing is staged: they are all that there are. */
  readonly all: boolean;
}

async function changesOf(repository: GitRepository): Promise<Changes> {
  const staged = await repository.diff(true);
  return staged.trim() === ''
    ? { diff: await repository.diff(false), all: true }
    : { diff: staged, all: false };
}

async function write(
  context: NiwakiContext,
  repository: GitRepository,
  token: CancellationToken,
): Promise<void> {
  const { server } = context;
  const { diff, all } = await changesOf(repository);
  if (diff.trim() === '') {
    void messages.info(l10n.t('There is nothing to commit: stage some changes first.'));
    return;
  }
  const commits = await repository.log({ maxEntries: subjects }).catch(() => []); // there is none yet
  const recent = commits.map(({ message }) => message.split('\n', 1)[0] ?? '');
  const { inputBox } = repository;
  const before = inputBox.value;
  let written = before;
  /** Whoever types there meanwhile keeps what they typed. */
  const isTheirs = (): boolean => inputBox.value !== written;
  const put = (text: string): void => {
    if (!isTheirs() && !token.isCancellationRequested) {
      inputBox.value = text;
      written = inputBox.value;
    }
  };
  const root = repository.rootUri.toString();
  const chat = await server.chat();
  const result = await chat.commitMessage({ diff, root, recent }, put, token);
  if (result.cancelled || result.problem !== '') {
    if (!isTheirs()) {
      inputBox.value = before;
    }
    if (result.problem !== '') {
      void messages.warn(l10n.t('No commit message: {0}', result.problem));
    }
    return;
  }
  put(result.text);
  const notes = [all ? l10n.t('Nothing is staged: the message is about all changes.') : '', result.leftOut];
  const note = notes.filter((sentence) => sentence !== '').join(' ');
  if (note !== '') {
    void messages.info(note);
  }
}

/** One at a time: what is being written is finished, or cancelled, first. */
let busy = false;

/** `source`: the source control whose button was pressed; undefined = the selected one, or the first. */
export async function writeCommitMessage(context: NiwakiContext, source: unknown): Promise<void> {
  const repository = await repositoryOf(source);
  if (repository === undefined) {
    void messages.info(l10n.t('There is no Git repository in this workspace.'));
    return;
  }
  if (busy) {
    return;
  }
  busy = true;
  try {
    const title = l10n.t('Niwaki writes a commit message');
    await window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      (_progress, token) => write(context, repository, token),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void messages.warn(l10n.t('No commit message: {0}', reason));
  } finally {
    busy = false;
  }
}
