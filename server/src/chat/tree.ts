/**
 * A conversation as a tree: every message says which one it follows. What is edited or regenerated is not replaced but gets a sibling, so
 * that nothing that was said is lost; the newest message of the branch that is shown is the head. Pure functions over plain data.
 */
import { randomBytes } from 'node:crypto';
import type { AnswerFigures, ConversationId, MessageId, SlashCommand } from '#protocol';
import type { KeptAttachment } from '../attachments';

/** Raised when what is kept changes in a way that older servers do not read. */
export const keptVersion = 1;

export type MessageState = 'done' | 'writing' | 'stopped' | 'cut' | 'interrupted' | 'failed';

export interface KeptMessage {
  readonly id: MessageId;
  /** '' = the conversation begins with it. */
  readonly parent: MessageId;
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly thinking: string;
  readonly command: SlashCommand | '';
  readonly attachments: readonly KeptAttachment[];
  readonly state: MessageState;
  readonly problem: string;
  readonly figures: AnswerFigures | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What the model sees in the place of the first messages of a branch. */
export interface KeptSummary {
  /** The last message that it covers, with all before it on its branch. */
  readonly last: MessageId;
  readonly text: string;
}

export interface KeptConversation {
  readonly id: ConversationId;
  readonly title: string;
  readonly updatedAt: number;
  /** Whether the model is asked to think before it answers. */
  readonly thinking: boolean;
  /** In the order in which they were said. A parent comes before its children. */
  readonly messages: readonly KeptMessage[];
  /** '' = there is no message. */
  readonly head: MessageId;
  readonly summaries: readonly KeptSummary[];
}

const longestTitle = 60;

/** A title made of what was said first. */
export function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= longestTitle) {
    return line;
  }
  const cut = line.slice(0, longestTitle - 1).replace(/[\uD800-\uDBFF]$/, ''); // half of a pair
  return `${cut.trimEnd()}…`;
}

export function findMessage(conversation: KeptConversation, id: MessageId): KeptMessage | undefined {
  return conversation.messages.find((message) => message.id === id);
}

/** From the first message to `id`, one of each place. Empty where there is no such message. */
export function branchTo(conversation: KeptConversation, id: MessageId): readonly KeptMessage[] {
  const byId = new Map(conversation.messages.map((message) => [message.id, message]));
  const branch: KeptMessage[] = [];
  for (let at = byId.get(id); at !== undefined; at = byId.get(at.parent)) {
    branch.push(at);
  }
  return branch.reverse();
}

/** What is shown. */
export function shownBranch(conversation: KeptConversation): readonly KeptMessage[] {
  return branchTo(conversation, conversation.head);
}

/** All messages of one place, in the order in which they were said. */
export function versionsOf(conversation: KeptConversation, message: KeptMessage): readonly MessageId[] {
  return conversation.messages
    .filter(({ parent, role }) => parent === message.parent && role === message.role)
    .map(({ id }) => id);
}

/** The newest message below `id`: what was shown last when this version was. */
export function newestBelow(conversation: KeptConversation, id: MessageId): MessageId {
  let newest = id;
  // Parents come before their children, so one pass finds the last child of the last child.
  for (const { id: next, parent } of conversation.messages) {
    newest = parent === newest ? next : newest;
  }
  const children = conversation.messages.filter(({ parent }) => parent === id);
  const last = children.at(-1);
  return last === undefined || last.id === newest ? newest : newestBelow(conversation, last.id);
}

/** An id that nobody has given out in this conversation: not here, and, by its letters at random, not in another window in the same moment. */
export function nextId(conversation: KeptConversation): MessageId {
  const numbers = conversation.messages.map(({ id }) => Number(/^m(\d+)/.exec(id)?.[1] ?? 0));
  return `m${String(Math.max(0, ...numbers) + 1)}-${randomBytes(4).toString('hex')}`;
}

/** With a message more, which is the head from then on. */
export function withMessage(conversation: KeptConversation, message: KeptMessage): KeptConversation {
  return {
    ...conversation,
    messages: [...conversation.messages, message],
    head: message.id,
    updatedAt: Math.max(conversation.updatedAt, message.at),
  };
}

/** With a message changed; its id and place stay. */
export function withChange(
  conversation: KeptConversation,
  id: MessageId,
  change: Partial<Omit<KeptMessage, 'id' | 'parent' | 'role'>>,
): KeptConversation {
  return {
    ...conversation,
    messages: conversation.messages.map((message) =>
      message.id === id ? { ...message, ...change } : message,
    ),
  };
}

/**
 * A conversation that has been changed here, with what another window has said in it meanwhile. `changed`: the messages that are newer
 * here; of all others, what is kept counts.
 */
export function withOthers(
  mine: KeptConversation,
  kept: KeptConversation,
  changed: ReadonlySet<MessageId>,
): KeptConversation {
  const own = new Map(mine.messages.map((message) => [message.id, message]));
  const there = new Set(kept.messages.map(({ id }) => id));
  const covered = new Set(mine.summaries.map(({ last }) => last));
  return {
    ...mine,
    title: kept.title,
    messages: [
      ...kept.messages.map((message) =>
        changed.has(message.id) ? (own.get(message.id) ?? message) : message,
      ),
      ...mine.messages.filter(({ id }) => !there.has(id)),
    ],
    head: own.has(kept.head) ? mine.head : kept.head,
    summaries: [...kept.summaries.filter(({ last }) => !covered.has(last)), ...mine.summaries],
  };
}

/** The summary that covers most of a branch, and how many of its messages that are. */
export function summaryOf(
  conversation: KeptConversation,
  branch: readonly KeptMessage[],
): { readonly text: string; readonly covered: number } {
  const found = conversation.summaries
    .map(({ last, text }) => ({ text, covered: branch.findIndex(({ id }) => id === last) + 1 }))
    .filter(({ covered }) => covered > 0)
    .sort((a, b) => b.covered - a.covered)[0];
  return found ?? { text: '', covered: 0 };
}

/** Words that must all be found, in whatever case, in the title or in what was said. */
export function matches({ title, messages }: KeptConversation, search: string): boolean {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) {
    return true;
  }
  const text = [title, ...messages.map((message) => message.text)].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}
