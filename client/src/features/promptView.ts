/** "Show Rendered Prompt": exactly what the model read for the last completion, and what it wrote. */
import type { RenderedPrompt } from '#protocol';
import { commands, Disposable, l10n } from 'vscode';
import type { NiwakiContext } from '../context';
import { messages } from '../ui/messages';

function page(prompt: RenderedPrompt): string {
  const quoted = (text: string): string => JSON.stringify(text);
  return [
    l10n.t('The last prompt, as the model got it. It is kept in memory only.'),
    '',
    `${l10n.t('file')}: ${prompt.uri}`,
    `${l10n.t('prompt tokens')}: ${String(prompt.tokens)} (${l10n.t('reused')} ${String(prompt.reused)}, ${l10n.t('computed')} ${String(prompt.evaluated)})`,
    `${l10n.t('time')}: ${l10n.t('prompt')} ${prompt.promptMs.toFixed(1)} ms, ${l10n.t('prefill')} ${prompt.prefillMs.toFixed(1)} ms, ${l10n.t('decode')} ${prompt.decodeMs.toFixed(1)} ms`,
    `${l10n.t('healed')}: ${quoted(prompt.healed)}`,
    `${l10n.t('written')}: ${quoted(prompt.raw)}`,
    `${l10n.t('suggested')}: ${quoted(prompt.suggestion)}`,
    '',
    '─'.repeat(60),
    prompt.text,
  ].join('\n');
}

export function activate({ server, documents }: NiwakiContext): Disposable {
  return commands.registerCommand('niwaki.showRenderedPrompt', async () => {
    const prompt = await server.lastPrompt();
    if (prompt === null) {
      void messages.info(l10n.t('Niwaki: nothing has been completed yet. Type in a file, then look again.'));
      return;
    }
    await documents.show('prompt.txt', page(prompt));
  });
}
