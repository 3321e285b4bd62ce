/** The chat's view and its commands. What they do is loaded when the view is first shown, or the first command is run. */
import type { SlashCommand } from '#protocol';
import { commands, Disposable, window } from 'vscode';
import type { NiwakiContext } from '../../context';
import type { ChatView } from './chatView';
import { readPlaceAsked, registerLightBulb } from './lightBulb';

const viewId = 'niwaki.chat';

export function activate(context: NiwakiContext): Disposable {
  let loading: Promise<ChatView> | undefined;
  const view = (): Promise<ChatView> => {
    loading ??= import('./chatView').then(({ ChatView }) => {
      const made = new ChatView(context);
      context.extension.subscriptions.push(made);
      return made;
    });
    return loading;
  };
  const command = (name: string, run: (chat: ChatView, ...args: unknown[]) => unknown): Disposable =>
    commands.registerCommand(`niwaki.chat.${name}`, async (...args: unknown[]) => run(await view(), ...args));
  /** About what is selected, or where the cursor is. */
  const about = (name: string, asked: SlashCommand | '', send: boolean): Disposable =>
    command(name, (chat, place) => chat.askAbout(asked, send, readPlaceAsked(place)));
  return Disposable.from(
    registerLightBulb(context),
    about('explain', 'explain', true),
    about('fix', 'fix', true),
    about('tests', 'tests', true),
    about('doc', 'doc', true),
    about('askSelection', '', false),
    command('commitMessage', (chat, source) => chat.commitMessage(source)),
    window.registerWebviewViewProvider(viewId, {
      resolveWebviewView: async (webviewView) => {
        (await view()).resolve(webviewView);
      },
    }),
    command('open', (chat) => chat.look('chat')),
    command('new', (chat) => chat.newConversation()),
    command('history', (chat) => chat.look('other')),
    command('rename', (chat) => chat.rename()),
    command('delete', (chat) => chat.delete()),
    command('export', (chat) => chat.export()),
    command('acceptChange', (chat) => chat.decide(true)),
    command('rejectChange', (chat) => chat.decide(false)),
    // Not in the palette: for other features. { text, command, attachments, send }
    command('ask', (chat, asked) => chat.ask(asked)),
  );
}
