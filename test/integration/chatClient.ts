/** Talks to a real server as the chat view does. */
import {
  ChatEventNotification,
  ChatModelRequest,
  ContinueAnswerRequest,
  OpenConversationRequest,
  RegenerateRequest,
  SendMessageRequest,
  StopAnswerRequest,
  type Attachment,
  type ChatEvent,
  type ChatMessage,
  type ChatModelState,
  type ChatOutcome,
  type Conversation,
} from '#protocol';
import type { LspClient } from './lspClient';

export class ChatClient {
  readonly events: ChatEvent[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(readonly client: LspClient) {
    client.connection.onNotification(ChatEventNotification.type, (event) => {
      this.events.push(event);
      for (const wake of this.waiting) {
        wake();
      }
    });
  }

  model(): Promise<ChatModelState> {
    return this.client.connection.sendRequest(ChatModelRequest.type);
  }

  /** Returns the conversation's id; throws with the server's problem. */
  async send(
    text: string,
    {
      conversation = '',
      after = '',
      attachments = [],
      thinking = false,
    }: {
      conversation?: string;
      after?: string;
      attachments?: readonly Attachment[];
      thinking?: boolean;
    } = {},
  ): Promise<string> {
    const params = { conversation, after, text, command: '' as const, attachments, thinking };
    const sent = await this.client.connection.sendRequest(SendMessageRequest.type, params);
    if (sent.problem !== '') {
      throw new Error(sent.problem);
    }
    return sent.conversation;
  }

  regenerate(conversation: string, message: string): Promise<ChatOutcome> {
    return this.client.connection.sendRequest(RegenerateRequest.type, { conversation, message });
  }

  continue(conversation: string, message: string): Promise<ChatOutcome> {
    return this.client.connection.sendRequest(ContinueAnswerRequest.type, { conversation, message });
  }

  stop(conversation: string): Promise<ChatOutcome> {
    return this.client.connection.sendRequest(StopAnswerRequest.type, { conversation });
  }

  open(id: string): Promise<Conversation | null> {
    return this.client.connection.sendRequest(OpenConversationRequest.type, { id });
  }

  /** Waits until an event is as wanted, those from number `from` on. */
  async until(
    what: string,
    wanted: (event: ChatEvent) => boolean,
    from = 0,
    ms = 20_000,
  ): Promise<ChatEvent> {
    const end = Date.now() + ms;
    for (;;) {
      const found = this.events.slice(from).find(wanted);
      if (found !== undefined) {
        return found;
      }
      if (Date.now() > end) {
        throw new Error(
          `${what}: not within ${String(ms)} ms, but ${JSON.stringify(this.events.slice(from)).slice(0, 2_000)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, 100);
        this.waiting.add(wake);
      });
    }
  }

  /** Waits for so many tokens of the answer that is being written, and stops it: random weights seldom come to an end. */
  async stopAfter(conversation: string, tokens: number, from: number): Promise<Conversation> {
    await this.until(
      `${String(tokens)} tokens`,
      (event) =>
        (event.kind === 'text' && event.id === conversation && event.tokens >= tokens) ||
        (event.kind === 'changed' && event.conversation.id === conversation && !event.conversation.busy),
      from,
    );
    await this.stop(conversation);
    const stopped = await this.open(conversation);
    if (stopped === null) {
      throw new Error('the conversation is gone');
    }
    return stopped;
  }

  /** Sends, lets the model say so many tokens, stops it. */
  async say(
    text: string,
    tokens: number,
    where: Parameters<ChatClient['send']>[1] = {},
  ): Promise<Conversation> {
    const from = this.events.length;
    return this.stopAfter(await this.send(text, where), tokens, from);
  }
}

export function lastOf({ shown }: Conversation): ChatMessage {
  const last = shown.at(-1);
  if (last === undefined) {
    throw new Error('the conversation is empty');
  }
  return last;
}
