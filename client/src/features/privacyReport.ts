/** "Show Privacy Report": a page with what may be read, what is kept, and what exactly runs; and the same as a file. */
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { commands, Disposable, env, l10n, ProgressLocation, Uri, version, window, workspace } from 'vscode';
import type { NiwakiContext } from '../context';
import type * as PrivacyPages from '../privacyPages';
import { formatBytes } from '../ui/numbers';
import { Page } from '../ui/page';
import { messages } from '../ui/messages';

const pages = (): Promise<typeof PrivacyPages> => import('../privacyPages');

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether files are somewhere where the server reads none from disk. */
function isVirtual(): boolean {
  const folders = workspace.workspaceFolders ?? [];
  return folders.length > 0 && folders.every(({ uri }) => uri.scheme !== 'file');
}

async function makeReport({ extension, server, config }: NiwakiContext): Promise<PrivacyPages.Report> {
  const { networkSection, unknownNetworkSection, privacyReport } = await pages();
  // Each by itself: what can be told is told, above all where a server refuses to start.
  const [storage, binaries, network] = await Promise.allSettled([
    server.storage(),
    server.binaries(),
    server.networkState(),
  ]);
  const manifest = extension.extension.packageJSON as { version: string };
  return privacyReport(
    {
      date: new Date(),
      extensionVersion: manifest.version,
      vscodeVersion: version,
      remote: env.remoteName ?? '',
      trusted: workspace.isTrusted,
      virtual: isVirtual(),
      folders: (workspace.workspaceFolders ?? []).map(({ name }) => name),
      settings: config.allSettings(),
      storage: storage.status === 'fulfilled' ? storage.value : null,
      storageFolder: extension.globalStorageUri.fsPath,
      logFolder: extension.logUri.fsPath,
      binaries: binaries.status === 'fulfilled' ? binaries.value : null,
    },
    network.status === 'fulfilled'
      ? networkSection(network.value, l10n)
      : unknownNetworkSection(reasonOf(network.reason), l10n),
    l10n,
  );
}

/** A look at everything takes a moment: the model's file is hashed. */
function withNotice<T>(task: () => Promise<T>): Thenable<T> {
  const title = l10n.t('Niwaki: looking at everything that is kept and that runs…');
  return window.withProgress({ location: ProgressLocation.Window, title }, task);
}

async function show(context: NiwakiContext, page: Page): Promise<void> {
  const { commandsOf, reportHtml, webPage } = await pages();
  const report = await withNotice(() => makeReport(context));
  const nonce = randomBytes(16).toString('base64');
  page.show(report.title, webPage(report.title, reportHtml(report), env.language, nonce), commandsOf(report));
}

/** Returns where it was written; undefined = nowhere. */
async function exportReport(context: NiwakiContext): Promise<Uri | undefined> {
  const report = await withNotice(() => makeReport(context));
  const folder = workspace.workspaceFolders?.[0]?.uri ?? Uri.file(homedir());
  const target = await window.showSaveDialog({
    title: l10n.t('Export the Privacy Report'),
    defaultUri: Uri.joinPath(folder, 'niwaki-privacy-report.md'),
    filters: { Markdown: ['md'] },
  });
  if (target === undefined) {
    return undefined;
  }
  try {
    const { reportMarkdown } = await pages();
    await workspace.fs.writeFile(target, new TextEncoder().encode(reportMarkdown(report)));
  } catch (error) {
    const reason = reasonOf(error);
    void messages.error(l10n.t('Niwaki: the report could not be written: {0}', reason));
    return undefined;
  }
  return target;
}

/** All else that can be deleted is made anew. */
async function wantsConversationsGone(): Promise<boolean> {
  const remove = l10n.t('Delete');
  const question = l10n.t('Delete all conversations of all workspaces? They cannot be brought back.');
  return (await window.showWarningMessage(question, { modal: true }, remove)) === remove;
}

/** Returns the bytes that are free now. `kind` comes from a link of the page. */
async function purge({ server, log }: NiwakiContext, kind: unknown): Promise<number> {
  const purgeable = ['savedContext', 'calibration', 'strategy', 'conversations'] as const;
  const known = purgeable.find((name) => name === kind);
  if (known === undefined || (known === 'conversations' && !(await wantsConversationsGone()))) {
    return 0;
  }
  const { bytes, problem } =
    known === 'savedContext' ? await server.purgeSavedContext(null) : await server.purgeStorage(known);
  if (problem !== '') {
    log.warn(problem);
    void messages.warn(
      l10n.t('Niwaki: {0} were deleted, but not all of it: {1}', formatBytes(bytes), problem),
    );
  }
  return bytes;
}

export function activate(context: NiwakiContext): Disposable {
  const page = new Page('niwaki.privacyReport');
  return Disposable.from(
    page,
    commands.registerCommand('niwaki.showPrivacyReport', () => show(context, page)),
    commands.registerCommand('niwaki.exportPrivacyReport', () => exportReport(context)),
    // Not in the palette: for the page's buttons.
    commands.registerCommand('niwaki.purgeFromReport', async (kind: unknown) => {
      const bytes = await purge(context, kind);
      if (page.isOpen) {
        await show(context, page);
      }
      return bytes;
    }),
  );
}
