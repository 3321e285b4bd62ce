/** Conversations and messages as they begin. */
import type { MessageId, SendMessageRequest, SlashCommand } from '#protocol';
import { nextId, type KeptConversation, type KeptMessage } from './tree';

export function emptyConversation(id: string, title: string): KeptConversation {
  return { id, title, updatedAt: 0, thinking: false, messages: [], head: '', summaries: [] };
}

type Question = Pick<SendMessageRequest.Params, 'after' | 'text'> & { readonly command: SlashCommand | '' };

export function newQuestion(
  conversation: KeptConversation,
  { after, text, command }: Question,
  attachments: KeptMessage['attachments'],
): KeptMessage {
  return {
    ...{ id: nextId(conversation), parent: after, role: 'user', text, thinking: '', command, attachments },
    ...{ state: 'done', problem: '', figures: null, at: Date.now() },
  };
}

/** Yet to be written. */
export function newAnswer(conversation: KeptConversation, parent: MessageId): KeptMessage {
  return {
    ...{
      id: nextId(conversation),
      parent,
      role: 'assistant',
      text: '',
      thinking: '',
      command: '',
      attachments: [],
    },
    ...{ state: 'writing', problem: '', figures: null, at: Date.now() },
  };
}
