/** Commands at the beginning of an input, and what stands after `#` where the cursor is. */
import type { SlashCommand } from '../../protocol/src/chat';
import type { CandidateKind } from '../../protocol/src/chatPage';

export const slashCommands: readonly SlashCommand[] = ['explain', 'fix', 'tests', 'doc'];
/** Not for the model: it writes into the source control view. */
export const commitCommand = '/commit';
/** Not a message either: what follows it is a request for new files, which are planned in the editor. */
export const newCommand = '/new';

/** What new files are asked for; undefined = the input is something else. */
export function newFilesAsked(input: string): string | undefined {
  return /^\/new(?:\s+([^]*))?$/.exec(input.trim())?.slice(1).join('').trim();
}

export const candidateKinds: readonly CandidateKind[] = [
  'file',
  'folder',
  'selection',
  'symbol',
  'problems',
  'changes',
];

/** Cuts an input into a command and what is said with it. */
export function parseInput(input: string): { readonly command: SlashCommand | ''; readonly text: string } {
  const match = /^\/([a-z]+)(?=\s|$)/.exec(input);
  const command = slashCommands.find((name) => name === match?.[1]);
  return command === undefined
    ? { command: '', text: input.trim() }
    : { command, text: input.slice(command.length + 1).trim() };
}

/** The other way round. */
export function inputOf(command: SlashCommand | '', text: string): string {
  return command === '' ? text : `/${command} ${text}`.trimEnd() + (text === '' ? ' ' : '');
}

export type Completion =
  | { readonly kind: 'slash'; readonly start: number; readonly end: number; readonly query: string }
  | {
      readonly kind: 'context';
      readonly start: number;
      readonly end: number;
      readonly of: CandidateKind | '';
      readonly query: string;
    };

/** What is being completed at a cursor, if anything. `start` and `end`: what a choice replaces. */
export function completionAt(input: string, cursor: number): Completion | undefined {
  const before = input.slice(0, cursor);
  const slash = /^\/([a-z]*)$/.exec(before);
  if (slash !== null) {
    return { kind: 'slash', start: 0, end: cursor, query: slash[1] ?? '' };
  }
  const hash = /(?:^|[\s(])#([^\s#]*)$/.exec(before);
  if (hash === null) {
    return undefined;
  }
  const written = hash[1] ?? '';
  const colon = written.indexOf(':');
  const of = colon < 0 ? undefined : candidateKinds.find((kind) => kind === written.slice(0, colon));
  return {
    kind: 'context',
    start: cursor - written.length - 1,
    end: cursor,
    of: of ?? '',
    query: of === undefined ? written : written.slice(colon + 1),
  };
}
