/** Chats over a scripted engine, with all that they need. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attachment, ChatEvent, Conversation } from '#protocol';
import { Chats } from '#server/chat/chats';
import { ConversationStore } from '#server/chat/store';
import type { EnginePort } from '#server/engine/port';
import { ScriptedEngine, type ScriptedOptions, type ScriptedPrompt } from '#server/engine/scripted';
import { automaticChoice, ChatModel, ModelHost } from '#server/models/index';
import { ChosenFiles } from '#server/workspace/chosenFiles';

/** In the form of ChatML, with a thought that a model may begin with. */
export const template =
  "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and enable_thinking is false %}" +
  "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}";

/** An answer that says what was last asked. */
export const echo = ({ text }: ScriptedPrompt): string => {
  const asked = text.split('<|im_start|>user\n').at(-1)?.split('<|im_end|>')[0] ?? '';
  return `You said: ${asked}`;
};

export const last = ({ shown }: Conversation): Conversation['shown'][number] => {
  const message = shown.at(-1);
  assert.ok(message);
  return message;
};

export const texts = ({ shown }: Conversation): string[] => shown.map(({ text }) => text);

/** Text events, put together as a page does it. */
export const streamed = (events: readonly ChatEvent[]): string => {
  let text = '';
  for (const event of events) {
    if (event.kind === 'text' && event.part === 'text') {
      assert.ok(event.at <= text.length, 'no gaps');
      text = text.slice(0, event.at) + event.text;
    }
  }
  return text;
};

/** Sends, and waits for no answer. */
export const send = (
  { chats }: TestChats,
  text: string,
  { conversation = '', after = '', attachments = [] as Attachment[] } = {},
): ReturnType<Chats['send']> =>
  chats.send({ conversation, after, text, command: '', attachments, thinking: false });

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const memory = { total: 16e9, free: 12e9 };

export interface TestChats {
  readonly engine: ScriptedEngine;
  readonly chats: Chats;
  readonly model: ChatModel;
  readonly events: ChatEvent[];
  readonly folder: string;
  /** Another process over the same folder. */
  again(options?: ScriptedOptions): TestChats;
  /** Sends, and waits for the answer. */
  say(
    text: string,
    where?: {
      conversation?: string;
      after?: string;
      attachments?: readonly Attachment[];
      thinking?: boolean;
    },
  ): Promise<Conversation>;
  /** Resolves when nothing is being written. */
  idle(id: string): Promise<Conversation>;
  end(): void;
}

export interface TestOptions {
  readonly folder?: string;
  readonly chatTemplate?: string;
  /** What the next prompt begins with is read ahead. */
  readonly ahead?: boolean;
  /** Another engine in the place of the scripted one, with a model of its own. */
  readonly port?: EnginePort;
  readonly path?: string;
}

export function testChats(
  options: ScriptedOptions = {},
  {
    folder = mkdtempSync(join(tmpdir(), 'niwaki-chats-')),
    chatTemplate = template,
    ahead = false,
    port,
    path = 'talks.gguf',
  }: TestOptions = {},
): TestChats {
  const metadata = { 'general.name': 'Scripted', 'tokenizer.chat_template': chatTemplate };
  const engine = new ScriptedEngine({ contextLength: 4096, ...options, info: { metadata, ...options.info } });
  const asked = port ?? engine;
  const common = { engine: asked, embeddedPath: 'embedded.gguf', log, memory: () => memory };
  const choice = { ...automaticChoice, path };
  const completion = new ModelHost(common);
  completion.expect(choice);
  const model = new ChatModel({
    ...{ engine: asked, completion, library: undefined, choice: () => choice },
    own: new ModelHost({ ...common, fallback: false }),
  });
  const events: ChatEvent[] = [];
  const chats = new Chats({
    ...{ engine: asked, model, log, files: new ChosenFiles(() => []) },
    store: new ConversationStore(join(folder, 'w')),
    emit: (event) => events.push(event),
    mayWork: () => Promise.resolve(ahead),
    random: () => 0.5,
  });
  const idle = async (id: string): Promise<Conversation> => {
    for (;;) {
      const conversation = await chats.open(id);
      if (conversation === null) {
        throw new Error(`no conversation ${id}`);
      }
      if (!conversation.busy) {
        return conversation;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  return {
    ...{ engine, chats, model, events, folder, idle },
    again: (changes) => testChats({ ...options, ...changes }, { folder, chatTemplate, ahead }),
    say: async (text, { conversation = '', after = '', attachments = [], thinking = false } = {}) => {
      const sent = await chats.send({ conversation, after, text, command: '', attachments, thinking });
      if (sent.problem !== '') {
        throw new Error(sent.problem);
      }
      return idle(sent.conversation);
    },
    end: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
