/** What the server does for the chat, as its feature asks for it. A part of the language client's bundle. */
import {
  ChatEventNotification,
  ChatModelNotification,
  ChatModelRequest,
  CommitMessageNotification,
  CommitMessageRequest,
  ContinueAnswerRequest,
  DeleteConversationRequest,
  ExportConversationRequest,
  ListConversationsRequest,
  MeasureMessageRequest,
  OpenConversationRequest,
  RegenerateRequest,
  RenameConversationRequest,
  SelectVersionRequest,
  SendMessageRequest,
  StopAnswerRequest,
  type ChatEvent,
  type ChatModelState,
  type ChatOutcome,
  type Conversation,
  type ConversationId,
  type MessageId,
} from '#protocol';
import type { CancellationToken, Disposable } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';

/** What the server says without being asked. */
export type ChatNotice =
  | { readonly kind: 'event'; readonly event: ChatEvent }
  | { readonly kind: 'model'; readonly state: ChatModelState };

export class ChatClient implements Disposable {
  private readonly subscriptions: readonly Disposable[];
  /** Of commit messages that are being written, by job. */
  private readonly writers = new Map<string, (text: string) => void>();
  private jobs = 0;

  constructor(
    private readonly client: LanguageClient,
    onNotice: (notice: ChatNotice) => void,
  ) {
    this.subscriptions = [
      client.onNotification(ChatEventNotification.type, (event) => {
        onNotice({ kind: 'event', event });
      }),
      client.onNotification(ChatModelNotification.type, (state) => {
        onNotice({ kind: 'model', state });
      }),
      client.onNotification(CommitMessageNotification.type, ({ job, text }) => {
        this.writers.get(job)?.(text);
      }),
    ];
  }

  model(): Promise<ChatModelState> {
    return this.client.sendRequest(ChatModelRequest.type);
  }

  list(search: string): Promise<ListConversationsRequest.Result> {
    return this.client.sendRequest(ListConversationsRequest.type, { search });
  }

  open(id: ConversationId): Promise<Conversation | null> {
    return this.client.sendRequest(OpenConversationRequest.type, { id });
  }

  send(params: SendMessageRequest.Params): Promise<SendMessageRequest.Result> {
    return this.client.sendRequest(SendMessageRequest.type, params);
  }

  regenerate(conversation: ConversationId, message: MessageId): Promise<ChatOutcome> {
    return this.client.sendRequest(RegenerateRequest.type, { conversation, message });
  }

  continueAnswer(conversation: ConversationId, message: MessageId): Promise<ChatOutcome> {
    return this.client.sendRequest(ContinueAnswerRequest.type, { conversation, message });
  }

  stopAnswer(conversation: ConversationId): Promise<ChatOutcome> {
    return this.client.sendRequest(StopAnswerRequest.type, { conversation });
  }

  selectVersion(conversation: ConversationId, message: MessageId): Promise<ChatOutcome> {
    return this.client.sendRequest(SelectVersionRequest.type, { conversation, message });
  }

  rename(id: ConversationId, title: string): Promise<ChatOutcome> {
    return this.client.sendRequest(RenameConversationRequest.type, { id, title });
  }

  delete(id: ConversationId): Promise<ChatOutcome> {
    return this.client.sendRequest(DeleteConversationRequest.type, { id });
  }

  /** Markdown; '' = there is no such conversation. */
  export(id: ConversationId): Promise<string> {
    return this.client.sendRequest(ExportConversationRequest.type, { id });
  }

  measure(params: MeasureMessageRequest.Params): Promise<MeasureMessageRequest.Result> {
    return this.client.sendRequest(MeasureMessageRequest.type, params);
  }

  /** `onText` gets all of it so far. */
  async commitMessage(
    params: Omit<CommitMessageRequest.Params, 'job'>,
    onText: (text: string) => void,
    token: CancellationToken,
  ): Promise<CommitMessageRequest.Result> {
    this.jobs += 1;
    const job = `commit-${String(this.jobs)}`;
    this.writers.set(job, onText);
    try {
      return await this.client.sendRequest(CommitMessageRequest.type, { ...params, job }, token);
    } finally {
      this.writers.delete(job);
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }
}
