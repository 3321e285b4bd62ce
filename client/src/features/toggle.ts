/** Switching completions off and on, everywhere or for a language, and their quiet mode. */
import { commands, Disposable, l10n, window } from 'vscode';
import type { NiwakiContext } from '../context';
import { messages } from '../ui/messages';

export function activate({ config }: NiwakiContext): Disposable {
  return Disposable.from(
    commands.registerCommand('niwaki.toggleCompletions', () =>
      config.setCompletionsEnabled(!config.completionsEnabled()),
    ),
    commands.registerCommand('niwaki.toggleLanguage', async () => {
      const languageId = window.activeTextEditor?.document.languageId;
      if (languageId === undefined) {
        void messages.info(
          l10n.t('Niwaki: open a file first, to say for which language completions shall be switched.'),
        );
        return;
      }
      await config.setLanguageEnabled(languageId, !config.languageEnabled(languageId));
    }),
    commands.registerCommand('niwaki.toggleQuiet', () =>
      config.setQuietMode(config.quietMode() === 'always' ? 'off' : 'always'),
    ),
  );
}
