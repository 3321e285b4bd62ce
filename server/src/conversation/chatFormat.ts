/** How a model is talked to: its own chat template, rendered so that what others wrote stays text (guard.ts). */
import type { EnginePort, ModelHandle, ModelInfo, SamplingOptions, TokenId } from '../engine';
import { ChatTemplate, ChatTemplateError, endsInThought, withoutOpenThought } from './chatTemplate';
import { Guard } from './guard';
import { guardMessages, guardTools } from './guardMessages';
import { plain, unmark } from './marks';
import type { PromptMessage, RenderOptions, ToolDefinition } from './messages';
import { samplingFor, stopTokensFor } from './modelFacts';
import { splitThought, ThoughtSplitter } from './thoughts';

/** What is said to find out what a template does. */
const probe = 'Niwaki asks';
const probeAnswer = 'Niwaki answers';

interface Rendered {
  /** With marks. */
  readonly text: string;
  /** Whether what follows is thought. */
  readonly inThought: boolean;
}

export class ChatFormat {
  /** Whether it can be asked to think before it answers. */
  readonly canThink: boolean;
  /** Defaults. */
  readonly sampling: SamplingOptions;
  private readonly takesSystem: boolean = true;
  private readonly guard: Guard;
  /** The same, once it is known. */
  private readonly markers: Guard | undefined;
  private stops: readonly TokenId[] = [];

  private constructor(
    private readonly engine: EnginePort,
    private readonly model: ModelHandle,
    info: ModelInfo,
    private readonly template: ChatTemplate,
    private readonly specials: Awaited<ReturnType<EnginePort['specialTokens']>>,
  ) {
    this.sampling = samplingFor(info);
    this.takesSystem = this.tries([
      { role: 'system', content: probeAnswer },
      { role: 'user', content: probe },
    ]);
    const asked = [{ role: 'user', content: probe }] as const;
    const [off, on] = [false, true].map((thinking) => this.show(asked, { thinking }).text);
    if (off?.split(probe).length !== 2) {
      throw new ChatTemplateError('the chat template does not show what is said');
    }
    this.canThink = off !== on;
    this.guard = new Guard(specials, this.roleMarkers());
    this.markers = this.guard;
  }

  /**
   * undefined: the file has no chat template. Throws ChatTemplateError when it has one that cannot be used, EngineError when the model
   * is gone.
   */
  static async of(engine: EnginePort, model: ModelHandle, info: ModelInfo): Promise<ChatFormat | undefined> {
    const source = info.metadata['tokenizer.chat_template'];
    if (source === undefined || source.trim() === '') {
      return undefined;
    }
    const textOf = async (id: TokenId): Promise<string> => (id < 0 ? '' : engine.detokenize(model, [id]));
    const [bos, eos] = await Promise.all([textOf(info.bos), textOf(info.eos)]);
    const template = new ChatTemplate(source, { bos, eos });
    const format = new ChatFormat(engine, model, info, template, await engine.specialTokens(model));
    format.stops = await stopTokensFor(engine, model, info, format.turnEnds());
    return format;
  }

  /** What ends an answer: the header's, and what ends a turn in the template itself. */
  get stopTokens(): readonly TokenId[] {
    return this.stops;
  }

  /** Whether what the model says behind such a prompt begins within a thought: for `ThoughtSplitter`. */
  startsInThought(options: Pick<RenderOptions, 'thinking' | 'begun'> = {}): boolean {
    return this.marked([{ role: 'user', content: probe }], options).inThought;
  }

  /**
   * Splits what the model says behind such a prompt. For a begun answer it goes on where that ended: in the middle of its thought, right
   * behind it, or in its text, and white space there is kept.
   */
  async splitter(options: Pick<RenderOptions, 'thinking' | 'begun'> = {}): Promise<ThoughtSplitter> {
    const { begun, thinking = false } = options;
    const starts = this.startsInThought({ thinking });
    if (begun?.tokens !== undefined && (await this.says(begun.tokens, begun, starts))) {
      const splitter = new ThoughtSplitter(starts);
      splitter.push(await this.engine.detokenize(this.model, begun.tokens));
      return splitter;
    }
    const splitter = new ThoughtSplitter(this.startsInThought(options));
    splitter.push(begun?.text !== '' ? (begun?.text ?? '') : begun.thinking);
    return splitter;
  }

  /** The prompt as text, control tokens written out: for showing. Throws a ChatTemplateError when the template refuses it. */
  text(messages: readonly PromptMessage[], options: RenderOptions = {}): string {
    if (options.forAnswer === false) {
      return commonText(this.futures(messages, options).map(plain));
    }
    return plain(this.marked(messages, options).text);
  }

  /** The prompt, as `generate` takes it. Throws a ChatTemplateError when the template refuses it. */
  async render(messages: readonly PromptMessage[], options: RenderOptions = {}): Promise<readonly TokenId[]> {
    const said = await this.saidTokens(messages);
    if (options.forAnswer === false) {
      const futures = this.futures(messages, options, said);
      return commonPrefix(await Promise.all(futures.map((text) => this.encode(text, said))));
    }
    const { begun } = options;
    if (begun?.tokens !== undefined && begun.tokens.length > 0) {
      const prompt = this.marked(messages, { ...options, begun: undefined }, said);
      if (await this.says(begun.tokens, begun, prompt.inThought)) {
        return [...(await this.encode(prompt.text, said)), ...begun.tokens];
      }
    }
    return this.encode(this.marked(messages, options, said).text, said);
  }

  // ---------------------------------------------------------------------------------------------------------- text

  /** Marked text. `said`: messages whose ids are taken, by number. */
  private marked(
    messages: readonly PromptMessage[],
    {
      tools,
      thinking = false,
      begun,
    }: Omit<RenderOptions, 'begun'> & { readonly begun?: RenderOptions['begun'] | undefined },
    said?: ReadonlyMap<number, readonly TokenId[]>,
  ): Rendered {
    const wanted = thinking || (begun !== undefined && begun.thinking !== '');
    const prompt = this.show(guardMessages(this.guard, messages, said), {
      thinking: wanted,
      ...(tools === undefined ? {} : { tools: guardTools(this.guard, tools) }),
    });
    return begun === undefined ? prompt : this.goOn(prompt, begun);
  }

  /** The prompt with what was said already. */
  private goOn({ text, inThought }: Rendered, begun: NonNullable<RenderOptions['begun']>): Rendered {
    const thinking = this.guard.mark(begun.thinking);
    const answer = this.guard.mark(begun.text);
    if (!inThought && thinking === '') {
      return { text: text + answer, inThought: false };
    }
    const thought = `${text}${inThought ? '' : '<think>\n'}${thinking}`;
    return answer === ''
      ? { text: thought, inThought: true }
      : { text: `${thought}\n</think>\n\n${answer}`, inThought: false };
  }

  private show(
    messages: readonly PromptMessage[],
    {
      tools,
      thinking = false,
      answer = true,
    }: { readonly tools?: readonly ToolDefinition[]; readonly thinking?: boolean; readonly answer?: boolean },
  ): Rendered {
    const view = {
      messages: this.takesSystem ? messages : withoutSystem(messages),
      thinking,
      answer,
      isMarker: (text: string) => this.markers?.holds(text) ?? false,
    };
    const text = this.template.render(tools === undefined ? view : { ...view, tools });
    const shown = thinking || !answer ? text : withoutOpenThought(text);
    return { text: shown, inThought: answer && endsInThought(shown) };
  }

  private tries(messages: readonly PromptMessage[]): boolean {
    try {
      this.template.render({ messages, thinking: false, answer: true });
      return true;
    } catch (error) {
      if (error instanceof ChatTemplateError) {
        return false;
      }
      throw error;
    }
  }

  // ------------------------------------------------------------------------------------------------------ template

  /** What the template writes right before a user's and an assistant's words, where no control token is among it. */
  private roleMarkers(): string[] {
    const roles = new Guard(this.specials);
    const text = this.show(
      [
        { role: 'user', content: probe },
        { role: 'assistant', content: probeAnswer },
        { role: 'user', content: probe },
      ],
      {},
    ).text;
    return text
      .split(new RegExp(`${probe}|${probeAnswer}`))
      .filter((words) => !roles.holds(words))
      .map((words) => words.trim().split('\n').at(-1)?.trim() ?? '')
      .filter((words) => words.length > 2);
  }

  /** The control tokens that stand right behind an answer. */
  private turnEnds(): string[] {
    const shown = this.show(
      [
        { role: 'user', content: probe },
        { role: 'assistant', content: probeAnswer },
        { role: 'user', content: probe },
      ],
      {},
    ).text;
    const after = shown.split(probeAnswer)[1]?.trimStart() ?? '';
    const ends = this.specials.filter(({ text, inAllText }) => !inAllText && after.startsWith(text));
    return ends
      .map(({ text }) => text)
      .sort((a, b) => b.length - a.length)
      .slice(0, 1);
  }

  /** Marked prompts that may follow these messages: what they have in common is certain. */
  private futures(
    messages: readonly PromptMessage[],
    { tools }: RenderOptions,
    said?: ReadonlyMap<number, readonly TokenId[]>,
  ): string[] {
    const options = tools === undefined ? {} : { tools };
    const last = messages.at(-1)?.role;
    if (last === 'user' || last === 'tool') {
      return [false, true].map((thinking) => this.marked(messages, { ...options, thinking }, said).text);
    }
    // Of different beginnings, so that what a template has right before them is joined with none of them.
    return ['a', '1', '\n\n-'].map(
      (content) => this.marked([...messages, { role: 'user', content }], options, said).text,
    );
  }

  // -------------------------------------------------------------------------------------------------------- tokens

  private async encode(
    marked: string,
    said: ReadonlyMap<number, readonly TokenId[]>,
  ): Promise<readonly TokenId[]> {
    const unmarked = unmark(marked);
    const { text, regions } = unmarked;
    const parts: Promise<readonly TokenId[]>[] = [];
    const known = new Map<string, Promise<readonly TokenId[]>>();
    let from = 0;
    const plainUpTo = (end: number): void => {
      for (const { text: words, parseSpecial } of this.guard.pieces(unmarked, from, end)) {
        // What is broken often is broken into the same pieces.
        const key = `${String(parseSpecial)} ${words}`;
        const ids = known.get(key) ?? this.engine.tokenize(this.model, words, parseSpecial);
        known.set(key, ids);
        parts.push(ids);
      }
      from = end;
    };
    for (const { number, begin, end } of regions) {
      const ids = said.get(number);
      if (
        ids !== undefined &&
        begin >= from &&
        (await this.engine.detokenize(this.model, ids)) === text.slice(begin, end)
      ) {
        plainUpTo(begin);
        parts.push(Promise.resolve(ids));
        from = end;
      }
    }
    plainUpTo(text.length);
    return (await Promise.all(parts)).flat();
  }

  /** By message number: the ids that say exactly its content. */
  private async saidTokens(messages: readonly PromptMessage[]): Promise<Map<number, readonly TokenId[]>> {
    const said = new Map<number, readonly TokenId[]>();
    await Promise.all(
      messages.map(async (message, number) => {
        if (message.role === 'assistant' && message.tokens !== undefined && message.content !== '') {
          const ids = await this.suffixSaying(message.tokens, message.content);
          if (ids !== undefined) {
            said.set(number, ids);
          }
        }
      }),
    );
    return said;
  }

  /** The last of these ids that together say just `content`; undefined = none do, or a control token is among them. */
  private async suffixSaying(
    tokens: readonly TokenId[],
    content: string,
  ): Promise<readonly TokenId[] | undefined> {
    let low = 0;
    let high = tokens.length;
    // The text of a suffix is the shorter the later it begins.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const text = await this.engine.detokenize(this.model, tokens.slice(middle));
      if (text.length > content.length) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const ids = tokens.slice(low);
    const text = await this.engine.detokenize(this.model, ids);
    return text === content && !this.hasControl(ids) ? ids : undefined;
  }

  private hasControl(ids: readonly TokenId[]): boolean {
    const controls = new Set(this.specials.flatMap(({ id, inAllText }) => (inAllText ? [] : [id])));
    return ids.some((id) => controls.has(id));
  }

  /** Whether these ids say what was begun. */
  private async says(
    ids: readonly TokenId[],
    begun: NonNullable<RenderOptions['begun']>,
    startsInThought: boolean,
  ): Promise<boolean> {
    const { thinking, text } = splitThought(await this.engine.detokenize(this.model, ids), startsInThought);
    return thinking === begun.thinking.trim() && text === begun.text;
  }
}

/** For templates that know no system: what it says stands before the first message. */
function withoutSystem(messages: readonly PromptMessage[]): readonly PromptMessage[] {
  const [first, second, ...rest] = messages;
  return first?.role === 'system' && second?.role === 'user'
    ? [{ role: 'user', content: `${first.content}\n\n${second.content}` }, ...rest]
    : messages;
}

function commonPrefix(lists: readonly (readonly TokenId[])[]): readonly TokenId[] {
  const [first = [], ...rest] = lists;
  const end = first.findIndex((id, i) => rest.some((list) => list[i] !== id));
  return end < 0 ? first : first.slice(0, end);
}

function commonText(texts: readonly string[]): string {
  const [first = '', ...rest] = texts;
  let end = 0;
  while (end < first.length && rest.every((text) => text[end] === first[end])) {
    end += 1;
  }
  // Not in the middle of a character.
  return (first.codePointAt(end - 1) ?? 0) > 0xffff ? first.slice(0, end - 1) : first.slice(0, end);
}
