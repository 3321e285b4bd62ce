/** Shapes of what chat.ts declares, for the two sides of the chat's page. Nothing here needs a library: a browser can load it. */
import type {
  AnswerFigures,
  Attachment,
  ChatEvent,
  ChatMessage,
  ChatModelState,
  ContextUse,
  Conversation,
  ConversationSummary,
  ShownAttachment,
  SlashCommand,
} from './chat';
import { anyOf, count, finite, flag, listOf, oneOf, orNull, record, text, type Shape } from './shape';

const id = text(200);
const uri = text(8_000);
const sentence = text(20_000);

/** More than anybody attaches to one message, or a conversation holds. */
const mostAttachments = 200;
const mostMessages = 20_000;

export const slashCommand: Shape<SlashCommand | ''> = oneOf('', 'explain', 'fix', 'tests', 'doc');

export const attachment: Shape<Attachment> = anyOf<Attachment>(
  record<Extract<Attachment, { kind: 'file' }>>({ kind: oneOf('file'), uri }),
  record<Extract<Attachment, { kind: 'folder' }>>({ kind: oneOf('folder'), uri }),
  record<Extract<Attachment, { startLine: number }>>({
    kind: oneOf('selection', 'symbol'),
    uri,
    name: text(2_000),
    startLine: count,
    endLine: count,
  }),
  record<Extract<Attachment, { text: string }>>({ kind: oneOf('problems', 'changes'), uri, text: text() }),
);

export const attachments: Shape<readonly Attachment[]> = listOf(attachment, mostAttachments);

export const shownAttachment: Shape<ShownAttachment> = record<ShownAttachment>({
  attachment,
  label: text(10_000),
  tokens: count,
  wholeTokens: count,
  shown: oneOf('whole', 'part', 'none'),
  reason: sentence,
  files: listOf(text(8_000), 100_000),
});

export const shownAttachments: Shape<readonly ShownAttachment[]> = listOf(shownAttachment, mostAttachments);

const figures: Shape<AnswerFigures> = record<AnswerFigures>({
  evaluatedTokens: count,
  reusedTokens: count,
  answerTokens: count,
  prefillMs: finite,
  decodeMs: finite,
});

export const chatMessage: Shape<ChatMessage> = record<ChatMessage>({
  id,
  role: oneOf('user', 'assistant'),
  text: text(),
  thinking: text(),
  command: slashCommand,
  attachments: shownAttachments,
  state: oneOf('done', 'writing', 'stopped', 'cut', 'interrupted', 'failed'),
  problem: sentence,
  figures: orNull(figures),
  versions: listOf(id, mostMessages),
  at: finite,
});

export const contextUse: Shape<ContextUse> = record<ContextUse>({
  tokens: count,
  budget: count,
  summarised: count,
  summary: text(),
});

const summaryFields = { id, title: text(10_000), updatedAt: finite, messages: count, busy: flag };

export const conversationSummary: Shape<ConversationSummary> = record<ConversationSummary>(summaryFields);

export const conversation: Shape<Conversation> = record<Conversation>({
  ...summaryFields,
  shown: listOf(chatMessage, mostMessages),
  thinking: flag,
  context: contextUse,
});

export const chatModelState: Shape<ChatModelState> = record<ChatModelState>({
  state: oneOf('none', 'asleep', 'loading', 'ready', 'failed'),
  name: text(2_000),
  problem: sentence,
  contextTokens: count,
  canThink: flag,
});

export const chatEvent: Shape<ChatEvent> = anyOf<ChatEvent>(
  record<Extract<ChatEvent, { kind: 'text' }>>({
    kind: oneOf('text'),
    id,
    message: id,
    part: oneOf('thinking', 'text'),
    at: count,
    text: text(),
    tokens: count,
    speed: finite,
  }),
  record<Extract<ChatEvent, { kind: 'progress' }>>({
    kind: oneOf('progress'),
    id,
    message: id,
    phase: oneOf('loading', 'waiting', 'summarising', 'reading'),
    share: finite,
  }),
  record<Extract<ChatEvent, { kind: 'changed' }>>({ kind: oneOf('changed'), conversation }),
  record<Extract<ChatEvent, { kind: 'deleted' }>>({ kind: oneOf('deleted'), id }),
);
