/** What a prompt is made of, before a template has shown it. Plain data; nobody here knows how a conversation is kept or shown. */
import type { TokenId } from '../engine';

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined };

/** A function that the model may ask for. `parameters` is a JSON schema of type object. */
export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonValue;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, JsonValue>>;
}

export type PromptMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | {
      readonly role: 'assistant';
      readonly content: string;
      /** What was thought before; most templates show it only as long as the answer is not done. */
      readonly thinking?: string;
      readonly toolCalls?: readonly ToolCall[];
      /**
       * The ids that the model said `content` with, a thought before it or not: taken instead of encoding it anew, where the template shows
       * it unchanged, so that the cache holds. Ids that say something else, or hold a control token, are left aside.
       */
      readonly tokens?: readonly TokenId[];
    }
  | { readonly role: 'tool'; readonly name: string; readonly content: string };

export interface RenderOptions {
  readonly tools?: readonly ToolDefinition[];
  /** Whether a model that can think before it answers shall; absent = no. */
  readonly thinking?: boolean;
  /**
   * An answer to go on with: what was said of it so far. `tokens`: all ids that were said behind the prompt, the tags of a thought among
   * them; taken where they say just this.
   */
  readonly begun?: {
    readonly thinking: string;
    readonly text: string;
    readonly tokens?: readonly TokenId[];
  };
  /**
   * false: only up to the end of the last message, as far as a later prompt begins the same (for evaluating it in advance). `begun` and
   * `thinking` do not count then. Default true.
   */
  readonly forAnswer?: boolean;
}
