/**
 * Renders the chat template that a model's file carries (GGUF key `tokenizer.chat_template`, Jinja): what its makers trained it to
 * see. The template comes from a file that anybody may have made, so it is given little time and little room.
 */
import { Template } from '@huggingface/jinja';
import { runInNewContext } from 'node:vm';

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

/** Why a template cannot be used, as a part of a sentence. */
export class ChatTemplateError extends Error {
  override readonly name = 'ChatTemplateError';
}

/** The longest of a known model has 8 kB. */
const mostTemplateCharacters = 65_536;
const mostRenderedCharacters = 1_048_576;
/** Rendering takes under a millisecond. A template with an endless loop is stopped by then. */
const patienceMs = 500;

/** Calls `work`, and throws when it has not ended after `ms`. What it calls is stopped wherever it is. */
function withinTime<T>(work: () => T, ms: number): T {
  return runInNewContext('work()', { work }, { timeout: ms }) as T;
}

/** A thought that the template opens and leaves open is closed again: nothing shall be thought. */
function withoutOpenThought(text: string): string {
  const opened = text.split('<think>').length;
  const closed = text.split('</think>').length;
  return opened > closed ? `${text.trimEnd()}\n\n</think>\n\n` : text;
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
  if (template.length > mostTemplateCharacters) {
    throw new ChatTemplateError(`the chat template has ${String(template.length)} characters`);
  }
  const render = (): string =>
    new Template(template).render({
      messages,
      bos_token: bos,
      eos_token: eos,
      add_generation_prompt: true,
      enable_thinking: thinking,
    });
  let text: string;
  try {
    text = withinTime(render, patienceMs);
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    throw new ChatTemplateError(
      code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
        ? 'the chat template does not come to an end'
        : `the chat template cannot be rendered: ${message ?? String(error)}`,
    );
  }
  if (text.length > mostRenderedCharacters) {
    throw new ChatTemplateError('the chat template makes too much text');
  }
  return thinking ? text : withoutOpenThought(text);
}
