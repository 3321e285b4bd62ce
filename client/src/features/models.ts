/** "Choose Model File…": the built-in model, or a GGUF file of the user's. */
import { commands, Disposable, l10n, ProgressLocation, window, type QuickPickItem, type Uri } from 'vscode';
import type { NiwakiContext } from '../context';

interface Choice extends QuickPickItem {
  readonly path?: string;
}

async function browse(current: string): Promise<string | undefined> {
  const files: Uri[] | undefined = await window.showOpenDialog({
    title: l10n.t('Choose a 1-bit model'),
    openLabel: l10n.t('Use This Model'),
    canSelectMany: false,
    filters: { [l10n.t('GGUF models')]: ['gguf'], [l10n.t('All files')]: ['*'] },
  });
  const path = files?.[0]?.fsPath;
  return path === current ? undefined : path;
}

async function load({ server, config, log }: NiwakiContext, path: string): Promise<void> {
  const result = await window.withProgress(
    { location: ProgressLocation.Notification, title: l10n.t('Niwaki: loading the model…') },
    () => server.loadModel(path),
  );
  if (result.ok) {
    // Only a model that could be loaded is remembered.
    await config.setModelPath(path);
    return;
  }
  log.warn(result.problem); // the status shows it
}

async function chooseModel(context: NiwakiContext): Promise<void> {
  const current = context.config.serverSettings().modelPath;
  const choices: Choice[] = [
    {
      label: l10n.t('Built-in model'),
      description: current === '' ? l10n.t('in use') : '',
      detail: l10n.t('Small and quick; completes ends of lines'),
      path: '',
    },
    ...(current === '' ? [] : [{ label: current, description: l10n.t('in use'), path: current }]),
    {
      label: l10n.t('Browse for a GGUF file…'),
      detail: l10n.t('Q1_0 files of the Qwen3 family, such as Bonsai'),
    },
  ];
  const choice = await window.showQuickPick(choices, { title: l10n.t('Niwaki: model for completions') });
  if (choice === undefined) {
    return;
  }
  const path = choice.path ?? (await browse(current));
  if (path !== undefined) {
    await load(context, path);
  }
}

export function activate(context: NiwakiContext): Disposable {
  return commands.registerCommand('niwaki.chooseModel', () => chooseModel(context));
}
