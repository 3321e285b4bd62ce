/**
 * Choosing, importing and managing models. The server does the work, on the machine where the files are; here it is asked and shown. A
 * bundle of its own, loaded with the first of the commands: what the editor reads while it starts stays small.
 */
import type { ListedModel } from '#protocol';
import {
  env,
  l10n,
  ProgressLocation,
  QuickPickItemKind,
  Uri,
  window,
  type CancellationToken,
  type Progress,
  type QuickPickItem,
} from 'vscode';
import type { NiwakiContext } from './context';
import type { ModelProgress } from './modelClient';
import { modelPage } from './ui/modelPage';
import { knownInWords, modelItem } from './ui/modelWords';
import { formatBytes } from './ui/numbers';
import { messages } from './ui/messages';
import { plainText } from './ui/plainText';

interface Choice extends QuickPickItem {
  readonly run?: () => Promise<void>;
}

type Reporter = Progress<{ message?: string; increment?: number }>;

/** From steps of the server's to a bar that goes from 0 to 100. */
function barOf(progress: Reporter): ModelProgress {
  let shown = 0;
  return ({ phase, done, total }) => {
    const share = total > 0 ? (done / total) * 100 : shown;
    const increment = Math.max(0, share - shown);
    shown = Math.max(shown, share);
    progress.report({ increment, message: phaseInWords(phase, done, total) });
  };
}

function phaseInWords(phase: Parameters<ModelProgress>[0]['phase'], done: number, total: number): string {
  switch (phase) {
    case 'copying':
      return l10n.t('copied {0} of {1}', formatBytes(done), formatBytes(total));
    case 'hashing':
      return l10n.t('read {0} of {1}', formatBytes(done), formatBytes(total));
    case 'finishing':
      return l10n.t('writing the rest to the disk…');
    case 'loading':
      return l10n.t('loading…');
    case 'measuring':
      return l10n.t('reading and writing for two seconds…');
  }
}

async function withBar<T>(
  title: string,
  work: (onProgress: ModelProgress, token: CancellationToken) => Promise<T>,
): Promise<T> {
  return window.withProgress(
    { location: ProgressLocation.Notification, title: plainText(title), cancellable: true },
    (progress, token) => work(barOf(progress), token),
  );
}

/** The path of a file on the machine where the extension, and so the server, runs. */
async function browse(openLabel: string): Promise<string | undefined> {
  const files: Uri[] | undefined = await window.showOpenDialog({
    title: l10n.t('Choose a 1-bit model'),
    openLabel,
    canSelectMany: false,
    filters: { [l10n.t('GGUF models')]: ['gguf'], [l10n.t('All files')]: ['*'] },
  });
  return files?.[0] && pathOf(files[0]);
}

function pathOf(uri: Uri): string | undefined {
  if (uri.scheme !== 'file') {
    void messages.error(
      l10n.t(
        'Niwaki: {0} is not on the machine where your workspace is. Copy the file there first.',
        uri.toString(true),
      ),
    );
    return undefined;
  }
  return uri.fsPath;
}

/** Loads a model for completions; only one that could be loaded is remembered. */
async function use({ server, config, log }: NiwakiContext, path: string): Promise<boolean> {
  const result = await window.withProgress(
    { location: ProgressLocation.Notification, title: l10n.t('Niwaki: loading the model…') },
    () => server.loadModel(path),
  );
  if (!result.ok) {
    log.warn(result.problem); // the status shows it
    return false;
  }
  await config.setModelPath(path);
  return true;
}

async function askForKind(
  name: string,
  bytes: number,
  freeBytes: number,
  placeHolder: string,
): Promise<'copy' | 'reference' | undefined> {
  const copy = {
    label: l10n.t('Copy it'),
    description: l10n.t('takes {0}, {1} are free', formatBytes(bytes), formatBytes(freeBytes)),
    detail: l10n.t('Niwaki keeps a copy of its own; the file may be moved or deleted afterwards'),
    kind_: 'copy' as const,
  };
  const reference = {
    label: l10n.t('Use it where it lies'),
    description: l10n.t('takes no room'),
    detail: l10n.t('Niwaki notes its path and its hash, and says so when the file is moved or changed'),
    kind_: 'reference' as const,
  };
  const title = l10n.t('Niwaki: import {0}', name);
  return (await window.showQuickPick([copy, reference], { title, placeHolder }))?.kind_;
}

/** Returns what was imported. Asks for what it is not given. */
export async function importModel(context: NiwakiContext, uri?: unknown): Promise<ListedModel | undefined> {
  const path = uri instanceof Uri ? pathOf(uri) : await browse(l10n.t('Import'));
  if (path === undefined) {
    return undefined;
  }
  const models = await context.server.models();
  const checked = await models.check(path);
  if (checked.problem !== '') {
    void messages.error(l10n.t('Niwaki: not imported. {0}', checked.problem));
    return undefined;
  }
  const { name, bytes, freeBytes, known } = checked;
  const kind = await askForKind(name, bytes, freeBytes, knownInWords(l10n, known));
  if (kind === undefined) {
    return undefined;
  }
  const result = await withBar(l10n.t('Niwaki: importing {0}', name), (onProgress, token) =>
    models.import(path, kind, onProgress, token),
  );
  if (result.cancelled) {
    void messages.info(l10n.t('Niwaki: the import was cancelled. Nothing was kept of it.'));
    return undefined;
  }
  const { model } = result;
  if (model === null) {
    void messages.error(l10n.t('Niwaki: not imported. {0}', result.problem));
    return undefined;
  }
  offerNext(context, model, result.already);
  return model;
}

/** Nobody waits for the answer. */
function offerNext(context: NiwakiContext, model: ListedModel, already: boolean): void {
  const complete = l10n.t('Use for Completions');
  const look = l10n.t('Inspect');
  const known = knownInWords(l10n, model.known);
  const message = already
    ? l10n.t('Niwaki: {0} had been imported before. {1}.', model.name, known)
    : l10n.t('Niwaki: {0} was imported. {1}.', model.name, known);
  void messages.info(message, complete, look).then(async (chosen) => {
    if (chosen === complete) {
      await use(context, model.path);
    } else if (chosen === look) {
      await inspect(context, model.id);
    }
  });
}

async function measure({ server }: NiwakiContext, { id, name }: ListedModel): Promise<void> {
  const models = await server.models();
  const { problem } = await withBar(l10n.t('Niwaki: measuring {0}', name), (onProgress, token) =>
    models.measure(id, onProgress, token),
  );
  if (problem !== '') {
    void messages.error(l10n.t('Niwaki: {0} could not be measured. {1}', name, problem));
  }
}

/** Shows the page at once, and again with the speed when that has been measured. */
async function inspect(context: NiwakiContext, id: string, measureAgain = false): Promise<void> {
  const models = await context.server.models();
  const report = await models.inspect(id);
  if (report === null) {
    void messages.warn(l10n.t('Niwaki: there is no such model any more.'));
    return;
  }
  const page = `model-${id === '' ? 'built-in' : id}.md`;
  await context.documents.show(page, modelPage(l10n, report, env.language));
  if (report.refused === '' && report.model.problem === '' && (report.speed === null || measureAgain)) {
    await measure(context, report.model);
    const measured = await models.inspect(id);
    if (measured !== null) {
      context.documents.update(page, modelPage(l10n, measured, env.language));
    }
  }
}

/** Returns whether it was removed. */
async function remove(context: NiwakiContext, model: ListedModel): Promise<boolean> {
  const { name, kind, path, bytes } = model;
  const copy = kind === 'copy';
  const action = copy ? l10n.t('Delete') : l10n.t('Remove from the List');
  const confirmed = await window.showWarningMessage(
    plainText(
      copy ? l10n.t('Delete the model {0}?', name) : l10n.t('Remove the model {0} from the list?', name),
    ),
    {
      modal: true,
      detail: copy
        ? l10n.t(
            'The copy ({0}) is deleted, with the calibration and the saved context that belong to it.',
            formatBytes(bytes),
          )
        : l10n.t(
            'The file {0} stays. The calibration and the saved context that belong to it are deleted.',
            path,
          ),
    },
    action,
  );
  if (confirmed !== action) {
    return false;
  }
  const { problem, bytes: freed, wasInUse } = await (await context.server.models()).remove(model.id);
  if (context.config.serverSettings().modelPath === path) {
    await context.config.setModelPath('');
  }
  if (problem !== '') {
    void messages.error(l10n.t('Niwaki: {0}', problem));
    return false;
  }
  void messages.info(
    wasInUse
      ? l10n.t(
          'Niwaki: {0} was removed, {1} are free now. Completions come from the built-in model.',
          name,
          formatBytes(freed),
        )
      : l10n.t('Niwaki: {0} was removed, {1} are free now.', name, formatBytes(freed)),
  );
  return true;
}

async function setChatModel({ server }: NiwakiContext, id: string): Promise<void> {
  const { problem } = await (await server.models()).setChatModel(id);
  if (problem !== '') {
    void messages.error(l10n.t('Niwaki: {0}', problem));
  }
}

async function pick(title: string, choices: readonly Choice[], placeHolder?: string): Promise<void> {
  const options = { title, ...(placeHolder === undefined ? {} : { placeHolder }), matchOnDetail: true };
  await (await window.showQuickPick(choices, options))?.run?.();
}

function importChoice(context: NiwakiContext): Choice {
  return {
    label: l10n.t('Import a model…'),
    detail: l10n.t('Q1_0 files of the Qwen3 family, such as Bonsai'),
    run: async () => {
      await importModel(context);
    },
  };
}

const separator: Choice = { label: '', kind: QuickPickItemKind.Separator };

/** Which model answers completions. */
export async function chooseModel(context: NiwakiContext): Promise<void> {
  const current = context.config.serverSettings().modelPath;
  const { models } = await (await context.server.models()).list();
  const listed = models.map((model): Choice => ({
    ...modelItem(l10n, model),
    run: async () => {
      await use(context, model.kind === 'embedded' ? '' : model.path);
    },
  }));
  const elsewhere = current !== '' && !models.some(({ path }) => path === current);
  await pick(l10n.t('Niwaki: model for completions'), [
    ...listed,
    ...(elsewhere ? [{ label: current, description: l10n.t('in use') }] : []),
    separator,
    importChoice(context),
    {
      label: l10n.t('Browse for a GGUF file…'),
      detail: l10n.t('Loads a file without importing it'),
      run: async () => {
        const path = await browse(l10n.t('Use This Model'));
        if (path !== undefined && path !== current) {
          await use(context, path);
        }
      },
    },
  ]);
}

function actionsFor(context: NiwakiContext, model: ListedModel): Choice[] {
  const completes = model.roles.includes('completion');
  const chats = model.roles.includes('chat');
  const embedded = model.kind === 'embedded';
  return [
    {
      label: l10n.t('Inspect'),
      detail: l10n.t('What it is, what it takes, how fast it is here'),
      run: () => inspect(context, model.id),
    },
    ...(completes
      ? []
      : [
          {
            label: l10n.t('Use for completions'),
            run: async () => {
              await use(context, embedded ? '' : model.path);
            },
          },
        ]),
    ...(embedded
      ? []
      : [
          {
            label: chats ? l10n.t('No longer the chat model') : l10n.t('Make it the chat model'),
            detail: l10n.t('Niwaki’s chat speaks with it'),
            run: () => setChatModel(context, chats ? '' : model.id),
          },
        ]),
    { label: l10n.t('Measure its speed'), run: () => inspect(context, model.id, true) },
    ...(embedded
      ? []
      : [
          {
            label: model.kind === 'copy' ? l10n.t('Delete…') : l10n.t('Remove from the list…'),
            run: async () => {
              await remove(context, model);
            },
          },
        ]),
  ];
}

export async function manageModels(context: NiwakiContext): Promise<void> {
  const { models, notes } = await (await context.server.models()).list();
  for (const note of notes) {
    context.log.warn(note);
  }
  await pick(
    l10n.t('Niwaki: models'),
    [
      ...models.map((model): Choice => {
        const item = modelItem(l10n, model);
        return { ...item, run: () => pick(item.label, actionsFor(context, model)) };
      }),
      separator,
      importChoice(context),
    ],
    notes.join(' '),
  );
}
