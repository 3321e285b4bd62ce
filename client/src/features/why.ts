/** "Why This Suggestion?" and the statistics: what is known of suggestions, for whoever wants to look. */
import { commands, Disposable, l10n } from 'vscode';
import type { NiwakiContext } from '../context';
import { statisticsPage } from '../ui/statisticsPage';
import { whyPage } from '../ui/whyPage';
import { messages } from '../ui/messages';

export function activate({ server, documents }: NiwakiContext): Disposable {
  return Disposable.from(
    commands.registerCommand('niwaki.whySuggestion', async () => {
      const report = await server.why();
      if (report === null) {
        void messages.info(
          l10n.t('Niwaki: nothing has been completed yet. Type in a file, then look again.'),
        );
        return;
      }
      await documents.show('why.md', whyPage(report));
    }),
    commands.registerCommand('niwaki.showStatistics', async () => {
      await documents.show('statistics.txt', statisticsPage(await server.statistics()));
    }),
    commands.registerCommand('niwaki.clearCounters', async () => {
      await server.clearStatistics();
      void messages.info(l10n.t('Niwaki: the counters begin anew.'));
    }),
  );
}
