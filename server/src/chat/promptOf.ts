/** A conversation's messages as the model is shown them. */
import type { PromptMessage } from '../conversation';
import type { TokenId } from '../engine';
import { askOf } from './commands';
import type { KeptMessage } from './tree';

/** The ids that the model said an answer with, where they are known. */
export type IdsOf = (message: KeptMessage) => readonly TokenId[] | undefined;

export function attachedContent({ attachments }: KeptMessage): string {
  const shown = attachments.filter(({ content }) => content !== '').map(({ content }) => content.trimEnd());
  return shown.join('\n\n');
}

/** What a message of the user says to the model: what is attached, then the question. */
export function userContent(message: KeptMessage, withAttachments = true): string {
  const attached = withAttachments ? attachedContent(message) : '';
  return [attached, askOf(message.command, message.text)].filter((part) => part !== '').join('\n\n');
}

/** An answer that failed before its first word says nothing: its question is asked with the next one. */
export function saysNothing({ role, text }: KeptMessage): boolean {
  return role === 'assistant' && text.trim() === '';
}

/** An answer. What was thought before it is not shown again: makers of thinking models advise so, and nobody has counted it. */
export function promptMessage(answer: KeptMessage, idsOf: IdsOf): PromptMessage {
  const tokens = idsOf(answer);
  return {
    role: 'assistant',
    content: answer.text,
    ...(tokens && { tokens }),
  };
}
