/** A conversation as a Markdown file: what is shown, with the names of what was attached. */
import { shownBranch, type KeptConversation, type KeptMessage } from './tree';

function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

function section(message: KeptMessage): string {
  const who = message.role === 'user' ? 'You' : 'Niwaki';
  const attached = message.attachments.map(({ label, shown }) =>
    shown === 'whole' ? `- ${label}` : `- ${label} (${shown === 'none' ? 'not shown' : 'in part'})`,
  );
  const command = message.command === '' ? '' : `/${message.command} `;
  const parts = [
    `## ${who}`,
    ...(message.thinking === '' ? [] : [`Thought:\n\n${quoted(message.thinking.trim())}`]),
    `${command}${message.text.trim()}`,
    ...(attached.length === 0 ? [] : [`Attached:\n\n${attached.join('\n')}`]),
    ...(message.problem === '' ? [] : [`*${message.problem}*`]),
  ];
  return parts.filter((part) => part.trim() !== '').join('\n\n');
}

export function asMarkdown(conversation: KeptConversation): string {
  const sections = shownBranch(conversation).map(section);
  return `${[`# ${conversation.title}`, ...sections].join('\n\n')}\n`;
}
