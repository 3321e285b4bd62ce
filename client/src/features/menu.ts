/** What a click on the status bar offers. */
import { commands, Disposable, l10n, window, type QuickPickItem } from 'vscode';
import type { NiwakiContext } from '../context';

interface Entry extends QuickPickItem {
  readonly command: string;
}

export function activate(context: NiwakiContext): Disposable {
  const { config, server } = context;
  return commands.registerCommand('niwaki.showMenu', async () => {
    const languageId = window.activeTextEditor?.document.languageId;
    const entries: Entry[] = [
      {
        label: config.completionsEnabled() ? l10n.t('Turn completions off') : l10n.t('Turn completions on'),
        command: 'niwaki.toggleCompletions',
      },
      ...(languageId === undefined
        ? []
        : [
            {
              label: config.languageEnabled(languageId)
                ? l10n.t('Turn completions off for {0}', languageId)
                : l10n.t('Turn completions on for {0}', languageId),
              command: 'niwaki.toggleLanguage',
            },
          ]),
      {
        label: config.quietMode() === 'always' ? l10n.t('Turn quiet mode off') : l10n.t('Turn quiet mode on'),
        command: 'niwaki.toggleQuiet',
      },
      { label: l10n.t('Choose model…'), command: 'niwaki.chooseModel' },
      { label: l10n.t('Manage models…'), command: 'niwaki.manageModels' },
      { label: l10n.t('Why this suggestion?'), command: 'niwaki.whySuggestion' },
      { label: l10n.t('Show statistics'), command: 'niwaki.showStatistics' },
      { label: l10n.t('Show rendered prompt'), command: 'niwaki.showRenderedPrompt' },
      { label: l10n.t('Show engine info'), command: 'niwaki.showEngineInfo' },
      { label: l10n.t('Privacy report'), command: 'niwaki.showPrivacyReport' },
      { label: l10n.t('Collect diagnostics'), command: 'niwaki.collectDiagnostics' },
      { label: l10n.t('Restart'), command: 'niwaki.restart' },
      { label: l10n.t('Show log'), command: 'niwaki.showLog' },
    ];
    const title = ['Niwaki', server.status?.model ?? ''].filter((part) => part !== '').join(' · ');
    const chosen = await window.showQuickPick(entries, { title });
    if (chosen !== undefined) {
      await context.runCommand(chosen.command);
    }
  });
}
