/**
 * Renders the chat template that a model's file carries (GGUF key `tokenizer.chat_template`, Jinja): what its makers trained it to
 * see. The template comes from a file that anybody may have made, so it is given little time and little room.
 */
import { createContext, Script } from 'node:vm';
import {
  Evaluator,
  fromJson,
  globals,
  parseTemplate,
  Room,
  TemplateExcess,
  TextSearch,
  type Statement,
} from './jinja';
import type { JsonValue, PromptMessage, ToolDefinition } from './messages';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatTemplateOptions {
  /** Texts of the model's tokens, '' = it has none. */
  readonly bos?: string;
  readonly eos?: string;
  /** Whether a model that can think before it answers shall; absent = no. */
  readonly thinking?: boolean;
}

/** What is shown. */
export interface TemplateView {
  readonly messages: readonly PromptMessage[];
  readonly tools?: readonly ToolDefinition[];
  readonly thinking: boolean;
  /** Whether the beginning of an answer follows. */
  readonly answer: boolean;
  /** Whether a text holds what is the template's alone; absent = none does. */
  readonly isMarker?: (text: string) => boolean;
  /** For templates that tell the date; absent = now. */
  readonly now?: Date;
}

/** Why a template cannot be used, as a part of a sentence. */
export class ChatTemplateError extends Error {
  override readonly name = 'ChatTemplateError';
}

/** The longest of a known model has 8 kB. */
const mostTemplateCharacters = 65_536;
const mostRenderedCharacters = 1_048_576;
/** A conversation of a hundred turns takes some ten thousand. */
const mostSteps = 2_000_000;
/** Rendering takes under a millisecond. A template with an endless loop is stopped by then. */
const patienceMs = 500;

const sandbox = createContext({ work: undefined as unknown });
const script = new Script('work()');

/** Calls `work`, and throws when it has not ended after `ms`. What it calls is stopped wherever it is. */
function withinTime<T>(work: () => T, ms: number): T {
  (sandbox as { work: unknown }).work = work;
  try {
    return script.runInContext(sandbox, { timeout: ms }) as T;
  } finally {
    (sandbox as { work: unknown }).work = undefined;
  }
}

function guarded<T>(work: () => T, ms: number): T {
  try {
    return withinTime(work, ms);
  } catch (error) {
    if (error instanceof TemplateExcess) {
      throw new ChatTemplateError(`the chat template ${error.message}`);
    }
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    throw new ChatTemplateError(
      code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
        ? 'the chat template does not come to an end'
        : `the chat template cannot be rendered: ${message ?? String(error)}`,
    );
  }
}

/** A message as templates know it. */
function shown(message: PromptMessage): Record<string, unknown> {
  if (message.role !== 'assistant') {
    return { ...message };
  }
  const { role, content, thinking = '', toolCalls = [] } = message;
  return {
    role,
    content,
    ...(thinking === '' ? {} : { reasoning_content: thinking }),
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map((call) => ({
            type: 'function',
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
  };
}

/** A parsed template of one model. */
export class ChatTemplate {
  private readonly body: readonly Statement[];

  /** Throws a ChatTemplateError when it cannot be read. */
  constructor(
    source: string,
    private readonly own: Pick<ChatTemplateOptions, 'bos' | 'eos'> = {},
  ) {
    if (source.length > mostTemplateCharacters) {
      throw new ChatTemplateError(`the chat template has ${String(source.length)} characters`);
    }
    this.body = guarded(() => parseTemplate(source), patienceMs);
  }

  /** Throws a ChatTemplateError when the template refuses the conversation, or takes too long. */
  render({ messages, tools = [], thinking, answer, isMarker = () => false, now }: TemplateView): string {
    const variables: Record<string, unknown> = {
      messages: messages.map(shown),
      bos_token: this.own.bos ?? '',
      eos_token: this.own.eos ?? '',
      add_generation_prompt: answer,
      enable_thinking: thinking,
      ...(tools.length === 0
        ? {}
        : {
            tools: tools.map(({ name, description, parameters }): Record<string, JsonValue> => ({
              type: 'function',
              function: { name, description, parameters },
            })),
          }),
    };
    const said = JSON.stringify(variables).length;
    const room = new Room(mostSteps + said, mostRenderedCharacters + 4 * said);
    const search = new TextSearch(isMarker, (length) => {
      room.allow(length);
    });
    return guarded(
      () => {
        const known = globals(now ?? new Date());
        for (const [name, value] of Object.entries(variables)) {
          known.set(name, fromJson(value));
        }
        return new Evaluator(room, search).run(this.body, known);
      },
      patienceMs + Math.ceil(said / 1_000),
    );
  }
}

/** Whether a text ends within a thought: just behind the tag that opens it. */
export function endsInThought(text: string): boolean {
  return text.trimEnd().endsWith('<think>');
}

/** A thought that the template opens and leaves open is closed again: nothing shall be thought. */
export function withoutOpenThought(text: string): string {
  return endsInThought(text) ? `${text.trimEnd()}\n\n</think>\n\n` : text;
}

/**
 * The conversation as the model reads it, up to where its answer begins. Throws a ChatTemplateError when the template is broken,
 * refuses the conversation, or takes too long.
 */
export function renderChat(
  template: string,
  messages: readonly ChatMessage[],
  { bos = '', eos = '', thinking = false }: ChatTemplateOptions = {},
): string {
  const text = new ChatTemplate(template, { bos, eos }).render({ messages, thinking, answer: true });
  return thinking ? text : withoutOpenThought(text);
}
