/** Which conversation the page shows, and what is done with conversations. */
import type { ChatEvent, ConversationId } from '#protocol';
import type { HostMessage, PageMessage } from '#protocol/chatPage';
import { l10n, window, workspace } from 'vscode';
import type { ChatClient } from '../../chatClient';
import type { NiwakiContext } from '../../context';
import { messages } from '../../ui/messages';
import { plainText } from '../../ui/plainText';
import { allowed, somethingIsGone } from './attachments';

const rememberedAs = 'niwaki.chat.conversation';

type SendMessage = Extract<PageMessage, { kind: 'send' }>;
type ChangeMessage = Extract<PageMessage, { message: string }>;

export class Conversations {
  private id: ConversationId;
  private lastProgress: Extract<ChatEvent, { kind: 'progress' }> | undefined;

  constructor(
    private readonly context: NiwakiContext,
    private readonly post: (message: HostMessage) => void,
  ) {
    this.id = context.extension.workspaceState.get<string>(rememberedAs, '');
  }

  /** '' = a new one. */
  get current(): ConversationId {
    return this.id;
  }

  /** Shows the conversation that was shown last. */
  async restore(focus: boolean): Promise<void> {
    await this.open(this.id, focus);
  }

  async open(id: ConversationId, focus: boolean): Promise<void> {
    this.remember(id);
    const conversation = id === '' ? null : await (await this.chat()).open(id);
    if (this.id !== id) {
      return; // meanwhile another was opened
    }
    if (conversation === null) {
      this.remember('');
    }
    this.post({ kind: 'show', conversation, focus });
  }

  /** Something that the server has said of a conversation. */
  hear(event: ChatEvent): void {
    const id = event.kind === 'changed' ? event.conversation.id : event.id;
    if (event.kind === 'changed' || event.kind === 'deleted') {
      this.post({ kind: 'listChanged' });
    }
    if (event.kind === 'progress') {
      this.lastProgress = event;
    }
    if (id === this.id) {
      if (event.kind === 'deleted') {
        this.remember('');
      }
      this.post({ kind: 'event', event });
    }
  }

  /** Returns a problem, '' = it was sent. */
  async send({ conversation, after, text, command, attachments, thinking }: SendMessage): Promise<string> {
    const shown = await allowed(attachments);
    if (shown.length < attachments.length) {
      return somethingIsGone();
    }
    const chat = await this.chat();
    const result = await chat.send({ conversation, after, text, command, attachments: shown, thinking });
    if (
      result.problem === '' &&
      (conversation === '' || conversation === this.id) &&
      this.id !== result.conversation
    ) {
      await this.open(result.conversation, false);
      const { lastProgress } = this;
      if (lastProgress?.id === this.id) {
        this.post({ kind: 'event', event: lastProgress }); // it came before anybody knew the conversation
      }
    }
    return result.problem;
  }

  async change({ kind, conversation, message }: ChangeMessage): Promise<string> {
    const chat = await this.chat();
    const { problem } = await {
      stop: () => chat.stopAnswer(conversation),
      regenerate: () => chat.regenerate(conversation, message),
      continue: () => chat.continueAnswer(conversation, message),
      select: () => chat.selectVersion(conversation, message),
    }[kind]();
    return problem;
  }

  async rename(id: ConversationId): Promise<void> {
    const title = await this.titleOf(id);
    if (title === undefined) {
      return;
    }
    const given = await window.showInputBox({
      title: l10n.t('Niwaki: rename the conversation'),
      value: title,
      validateInput: (text) => (text.trim() === '' ? l10n.t('A conversation needs a name.') : undefined),
    });
    if (given !== undefined && given.trim() !== title) {
      this.say((await (await this.chat()).rename(id, given.trim())).problem);
    }
  }

  async delete(id: ConversationId): Promise<void> {
    const title = await this.titleOf(id);
    if (title === undefined) {
      return;
    }
    const action = l10n.t('Delete');
    const confirmed = await window.showWarningMessage(
      plainText(l10n.t('Delete the conversation “{0}”?', title)),
      { modal: true, detail: l10n.t('It is deleted from the disk too. This cannot be undone.') },
      action,
    );
    if (confirmed === action) {
      this.say((await (await this.chat()).delete(id)).problem);
    }
  }

  /** Into a document of its own, which is on no disk until the user saves it. */
  async export(id: ConversationId): Promise<void> {
    const content = id === '' ? '' : await (await this.chat()).export(id);
    if (content === '') {
      this.say(l10n.t('There is no conversation to export.'));
      return;
    }
    const document = await workspace.openTextDocument({ language: 'markdown', content });
    await window.showTextDocument(document, { preview: false });
  }

  private chat(): Promise<ChatClient> {
    return this.context.server.chat();
  }

  /** undefined = there is no such conversation, and the user was told. */
  private async titleOf(id: ConversationId): Promise<string | undefined> {
    const conversation = id === '' ? null : await (await this.chat()).open(id);
    if (conversation === null) {
      this.say(l10n.t('There is no conversation here yet.'));
    }
    return conversation?.title;
  }

  private say(problem: string): void {
    if (problem !== '') {
      void messages.warn(l10n.t('Niwaki: {0}', problem));
    }
  }

  private remember(id: ConversationId): void {
    if (id !== this.id) {
      this.id = id;
      void this.context.extension.workspaceState.update(rememberedAs, id);
    }
  }
}
