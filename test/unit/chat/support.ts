import type { KeptConversation, KeptMessage } from '#server/chat/tree';

export function message(
  id: string,
  parent: string,
  role: KeptMessage['role'],
  changes: Partial<KeptMessage> = {},
): KeptMessage {
  return {
    ...{ id, parent, role, text: `${role} ${id}`, thinking: '', command: '', attachments: [] },
    ...{ state: 'done', problem: '', figures: null, at: 1 },
    ...changes,
  };
}

/** Two questions and two answers; the first answer has another version, which was regenerated last. */
export const branched: KeptConversation = {
  id: '0123456789abcdef',
  title: 'A title',
  updatedAt: 5,
  thinking: false,
  messages: [
    message('m1', '', 'user'),
    message('m2', 'm1', 'assistant'),
    message('m3', 'm2', 'user'),
    message('m4', 'm3', 'assistant'),
    message('m5', 'm1', 'assistant'),
  ],
  head: 'm5',
  summaries: [],
};
