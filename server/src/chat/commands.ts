/** What the slash commands ask for. The words of the user come last: small models follow what they read last. */
import type { SlashCommand } from '#protocol';

const asks: Readonly<Record<SlashCommand, string>> = {
  explain:
    'Explain what the code above does, and why it does it in this way where that can be told. Begin with one sentence that says what it is for. ' +
    'Name functions and lines that matter. Do not repeat the code.',
  fix:
    'Find out what is wrong with the code above, the problems listed with it first. Say in a sentence what the cause is. Then show the corrected code: ' +
    'whole functions, not fragments, in one code block for each file, and change nothing that works.',
  tests:
    'Write tests for the code above, with the test framework and in the style that its project uses where you can see them. ' +
    'Cover the usual case, the edges, and what is to be refused. Show one code block with the whole test file.',
  doc:
    'Write the documentation comments that the code above should have, in the form that is usual in its language. ' +
    'Show the code with them in one code block, and change nothing else.',
};

/** What a message says to the model: the user's text, behind what the command asks for. */
export function askOf(command: SlashCommand | '', text: string): string {
  return [command === '' ? '' : asks[command], text.trim()].filter((part) => part !== '').join('\n\n');
}

/** What the view shows for a message without words of its own. */
export function titleOfCommand(command: SlashCommand | '', text: string, labels: readonly string[]): string {
  const words = text.trim();
  return command === ''
    ? words || (labels[0] ?? '')
    : [`/${command}`, words || (labels[0] ?? '')].join(' ').trim();
}
