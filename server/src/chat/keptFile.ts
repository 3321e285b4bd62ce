/** Reads what was kept of a conversation: a file may have been cut off, edited by hand, or written by a newer version. */
import { readAttachment, type KeptAttachment } from '../attachments';
import {
  keptVersion,
  type KeptConversation,
  type KeptMessage,
  type KeptSummary,
  type MessageState,
} from './tree';

const states: readonly MessageState[] = ['done', 'writing', 'stopped', 'cut', 'interrupted', 'failed'];
const commands = ['', 'explain', 'fix', 'tests', 'doc'] as const;
const figures = ['evaluatedTokens', 'reusedTokens', 'answerTokens', 'prefillMs', 'decodeMs'] as const;

class Damaged extends Error {}

type Raw = Readonly<Record<string, unknown>>;

function record(value: unknown): Raw {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Damaged();
  }
  return value as Raw;
}

function text(value: unknown): string {
  if (typeof value !== 'string') {
    throw new Damaged();
  }
  return value;
}

function amount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new Damaged();
  }
  return value;
}

function list<T>(value: unknown, read: (one: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) {
    throw new Damaged();
  }
  return value.map(read);
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) {
    throw new Damaged();
  }
  return found;
}

function readKeptAttachment(value: unknown): KeptAttachment {
  const raw = record(value);
  const attachment = readAttachment(raw['attachment']);
  if (attachment === undefined) {
    throw new Damaged();
  }
  return {
    attachment,
    label: text(raw['label']),
    tokens: amount(raw['tokens']),
    wholeTokens: amount(raw['wholeTokens']),
    shown: oneOf(raw['shown'], ['whole', 'part', 'none']),
    reason: text(raw['reason']),
    files: list(raw['files'], text),
    content: text(raw['content']),
  };
}

function readFigures(value: unknown): KeptMessage['figures'] {
  if (value === null) {
    return null;
  }
  const raw = record(value);
  const read = Object.fromEntries(figures.map((name) => [name, amount(raw[name])]));
  return read as unknown as KeptMessage['figures'];
}

function readMessage(value: unknown): KeptMessage {
  const raw = record(value);
  return {
    id: text(raw['id']),
    parent: text(raw['parent']),
    role: oneOf(raw['role'], ['user', 'assistant']),
    text: text(raw['text']),
    thinking: text(raw['thinking']),
    command: oneOf(raw['command'], commands),
    attachments: list(raw['attachments'], readKeptAttachment),
    state: oneOf(raw['state'], states),
    problem: text(raw['problem']),
    figures: readFigures(raw['figures']),
    at: amount(raw['at']),
  };
}

function readSummary(value: unknown): KeptSummary {
  const raw = record(value);
  return { last: text(raw['last']), text: text(raw['text']) };
}

/** Every message follows one that comes before it, and no two have one id: then walks over the tree come to an end. */
function checkTree({ messages, head }: KeptConversation): void {
  const seen = new Set<string>(['']);
  for (const { id, parent } of messages) {
    if (seen.has(id) || !seen.has(parent)) {
      throw new Damaged();
    }
    seen.add(id);
  }
  if (!seen.has(head) || (head === '' && messages.length > 0)) {
    throw new Damaged();
  }
}

/** A file of a later version is whole: whoever wrote it reads it again. */
export const newer = Symbol('newer');

/** Undefined when it is not what was written. */
export function parseConversation(id: string, json: string): KeptConversation | typeof newer | undefined {
  try {
    const raw = record(JSON.parse(json));
    if (typeof raw['version'] === 'number' && raw['version'] > keptVersion) {
      return newer;
    }
    const conversation: KeptConversation = {
      id: text(raw['id']),
      title: text(raw['title']),
      updatedAt: amount(raw['updatedAt']),
      thinking: raw['thinking'] === true,
      messages: list(raw['messages'], readMessage),
      head: text(raw['head']),
      summaries: list(raw['summaries'], readSummary),
    };
    if (raw['version'] !== keptVersion || conversation.id !== id) {
      return undefined;
    }
    checkTree(conversation);
    return conversation;
  } catch (error) {
    if (error instanceof Damaged || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
