/** Chat, for the client: checks what arrives, and says what happens. */
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
  type SlashCommand,
} from '#protocol';
import { join } from 'node:path';
import type { Connection } from 'vscode-languageserver/node';
import { readAttachments } from '../attachments';
import { Chats, ConversationStore, workspaceKey } from '../chat';
import type { EnginePort } from '../engine';
import type { ChatModel } from '../models';
import type { Log } from '../util/log';
import { toSignal } from '../util/signal';
import { Throttle } from '../util/throttle';
import type { ChosenFiles } from '../workspace';
import { raw } from './raw';

export interface ChatDeps {
  readonly connection: Connection;
  readonly log: Log;
  readonly engine: EnginePort;
  readonly model: ChatModel;
  readonly files: ChosenFiles;
  /** Undefined when the client has named no folder: then conversations are kept in memory. */
  readonly storagePath: string | undefined;
  /** URIs. */
  readonly workspaceFolders: () => readonly string[];
  readonly workspaceId: string | undefined;
  readonly mayWork: () => Promise<boolean>;
  readonly quiet: () => Promise<boolean>;
}

const commands: readonly (SlashCommand | '')[] = ['', 'explain', 'fix', 'tests', 'doc'];
const stateEveryMs = 100;
const commitTextEveryMs = 50;

function text(params: unknown, key: string): string {
  const value = raw(params)[key];
  return typeof value === 'string' ? value : '';
}

function readDraft(params: unknown): MeasureMessageRequest.Params {
  const { command, attachments } = raw(params);
  return {
    conversation: text(params, 'conversation'),
    after: text(params, 'after'),
    text: text(params, 'text'),
    command: commands.find((known) => known === command) ?? '',
    attachments: readAttachments(attachments),
  };
}

/** Returns what ends all that is being written, and keeps it: to be awaited before the server ends, or its conversations are deleted. */
export function registerChat(deps: ChatDeps): () => Promise<void> {
  const { connection, model } = deps;
  // A connection that is being closed takes no more messages.
  const emit = (event: ChatEvent): void => {
    void connection.sendNotification(ChatEventNotification.type, event).catch(() => undefined);
  };
  let chats: Chats | undefined;
  let key = '';
  let before: Promise<unknown> = Promise.resolve();
  /** Made with the first request: nobody who does not talk pays for it. Other folders are another workspace. */
  const find = async (): Promise<Chats> => {
    const { workspaceId } = deps;
    const now = workspaceKey(workspaceId === undefined ? deps.workspaceFolders() : [workspaceId]);
    if (chats !== undefined && now !== key) {
      await chats.dispose();
      chats = undefined;
    }
    key = now;
    chats ??= new Chats({
      ...deps,
      emit,
      store:
        deps.storagePath === undefined
          ? undefined
          : new ConversationStore(join(deps.storagePath, 'chat', now)),
    });
    return chats;
  };
  /** One request after the other: two that find other folders would make two, and one of them would be nobody's. */
  const current = (): Promise<Chats> => {
    const found = before.then(find);
    before = found.catch(() => undefined);
    return found;
  };
  const state = new Throttle(() => {
    if (chats !== undefined) {
      void connection.sendNotification(ChatModelNotification.type, model.state).catch(() => undefined);
    }
  }, stateEveryMs);
  model.changes.add(() => {
    state.request();
  });

  connection.onRequest(ChatModelRequest.type, async (): Promise<ChatModelState> => {
    await current();
    await model.refresh();
    return model.state;
  });
  connection.onRequest(ListConversationsRequest.type, async (params) =>
    (await current()).list(text(params, 'search')),
  );
  connection.onRequest(OpenConversationRequest.type, async (params) =>
    (await current()).open(text(params, 'id')),
  );
  connection.onRequest(SendMessageRequest.type, async (params) =>
    (await current()).send({ ...readDraft(params), thinking: raw(params)['thinking'] === true }),
  );
  connection.onRequest(RegenerateRequest.type, async (params) =>
    (await current()).regenerate(text(params, 'conversation'), text(params, 'message')),
  );
  connection.onRequest(ContinueAnswerRequest.type, async (params) =>
    (await current()).continue(text(params, 'conversation'), text(params, 'message')),
  );
  connection.onRequest(StopAnswerRequest.type, async (params) =>
    (await current()).stop(text(params, 'conversation')),
  );
  connection.onRequest(SelectVersionRequest.type, async (params) =>
    (await current()).select(text(params, 'conversation'), text(params, 'message')),
  );
  connection.onRequest(RenameConversationRequest.type, async (params) =>
    (await current()).rename(text(params, 'id'), text(params, 'title')),
  );
  connection.onRequest(DeleteConversationRequest.type, async (params) =>
    (await current()).delete(text(params, 'id')),
  );
  connection.onRequest(ExportConversationRequest.type, async (params) =>
    (await current()).export(text(params, 'id')),
  );
  connection.onRequest(MeasureMessageRequest.type, async (params) =>
    (await current()).measure(readDraft(params)),
  );
  connection.onRequest(CommitMessageRequest.type, async (params, token) => {
    const job = text(params, 'job');
    let latest = '';
    const said = new Throttle(() => {
      void connection
        .sendNotification(CommitMessageNotification.type, { job, text: latest })
        .catch(() => undefined);
    }, commitTextEveryMs);
    const { recent } = raw(params);
    const subjects: unknown[] = Array.isArray(recent) ? recent : [];
    try {
      return await (
        await current()
      ).commitMessage(
        {
          diff: text(params, 'diff'),
          root: text(params, 'root'),
          recent: subjects.filter((subject) => typeof subject === 'string'),
        },
        toSignal(token),
        (message) => {
          latest = message;
          said.request();
        },
      );
    } finally {
      said.dispose();
    }
  });
  return async () => {
    const ending = chats;
    chats = undefined;
    state.dispose();
    await ending?.dispose();
  };
}
