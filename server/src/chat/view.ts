/** A conversation as the client shows it: one version of each message, and no contents of files. */
import type { ChatMessage, ContextUse, Conversation, MessageId, ShownAttachment } from '#protocol';
import type { KeptAttachment } from '../attachments';
import { shownBranch, versionsOf, type KeptConversation, type KeptMessage } from './tree';

export interface ViewState {
  readonly context: ContextUse;
  /** What there is so far of an answer that is being written. */
  readonly writing:
    { readonly message: MessageId; readonly thinking: string; readonly text: string } | undefined;
}

export function shownOf(attachment: KeptAttachment): ShownAttachment {
  const { attachment: what, label, tokens, wholeTokens, shown, reason, files } = attachment;
  return { attachment: what, label, tokens, wholeTokens, shown, reason, files };
}

function messageOf(
  conversation: KeptConversation,
  message: KeptMessage,
  { writing }: ViewState,
): ChatMessage {
  const { id, role, text, thinking, command, state, problem, figures, at } = message;
  const isWriting = writing?.message === id;
  return {
    ...{ id, role, command, problem, figures, at },
    text: isWriting ? writing.text : text,
    thinking: isWriting ? writing.thinking : thinking,
    // An answer that nobody is writing any more was cut off with its server.
    state: state === 'writing' && !isWriting ? 'interrupted' : state,
    attachments: message.attachments.map(shownOf),
    versions: versionsOf(conversation, message),
  };
}

export function viewOf(conversation: KeptConversation, state: ViewState): Conversation {
  const shown = shownBranch(conversation).map((message) => messageOf(conversation, message, state));
  const { id, title, updatedAt, thinking } = conversation;
  return {
    ...{ id, title, updatedAt, thinking, shown },
    messages: shown.length,
    busy: state.writing !== undefined,
    context: state.context,
  };
}
