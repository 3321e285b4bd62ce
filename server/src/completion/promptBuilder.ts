/** Builds the prompt for a document and remembers, document by document, what keeps the next prompt's beginning the same. */
import type { EnginePort, TokenId } from '../engine';
import type { LoadedModel } from '../models';
import {
  cursorText,
  normalizeLineBreaks,
  planWindow,
  renderPrompt,
  suffixLength,
  type PromptTokenizer,
  type RenderedPart,
  type TextWindow,
} from '../prompt';
import type { ContextPlan } from '../workspace';
import { ContextChoice, type ContextSupply, type ShownContext } from './contextChoice';
import { EditSlots } from './editSlots';

export interface BuiltPrompt {
  readonly tokens: readonly TokenId[];
  /** What the generated text must begin with. */
  readonly healed: string;
  readonly parts: readonly RenderedPart[];
  /** What is shown besides the file. */
  readonly context: ShownContext | undefined;
  /** Of the document, as it is with this prompt. */
  readonly state: DocumentState;
}

type FilePrompt = Omit<BuiltPrompt, 'context' | 'state'>;

interface DocumentState {
  window: TextWindow | undefined;
  charactersPerToken: number;
  /** Of the last prompt. */
  tokens: number;
  /** Whether the file as a whole may fit: true until it did not. */
  mayFit: boolean;
}

/** Source code has 3 to 4; too few only means that a file that just fits is measured once more. */
const firstGuess = 3;
const mostCharactersPerToken = 6;
/** A prompt that turns out too long is planned again with what was learnt. */
const mostAttempts = 5;
/** Text that comes and goes unchanged with every keystroke (the path, control tokens, little files). */
const rememberedTexts = 16;
/** Characters. Longer text is tokenized where it was edited. */
const longText = 512;

/** What is measured of one part of a file is a little optimistic for the next. */
const safety = 0.98;

function charactersShown(prefix: string, suffix: string, usesSuffix: boolean): number {
  return prefix.length + (usesSuffix ? suffix.length : 0);
}

export class PromptBuilder {
  private readonly documents = new Map<string, DocumentState>();
  private readonly encoded = new Map<string, readonly TokenId[]>();
  private readonly slots = new EditSlots();
  private readonly context: ContextChoice;

  constructor(
    private readonly engine: EnginePort,
    private readonly model: LoadedModel,
    private readonly supply?: ContextSupply,
  ) {
    this.context = new ContextChoice(engine, model);
  }

  /**
   * The prompt of at most the session's context less `room` tokens, which are for the completion. Undefined when there is
   * nothing to go by: no text before the cursor, in a form that shows no other. `offered`: a plan to show instead of what the
   * document's prompts show so far; it changes nothing until the prompt is adopted.
   */
  async build(
    uri: string,
    path: string,
    text: string,
    offset: number,
    room: number,
    offered?: ContextPlan,
  ): Promise<BuiltPrompt | undefined> {
    return this.make({ uri, path, text, offset }, room, offered, offered === undefined);
  }

  /** The prompt that a text which may come would have. It changes nothing. */
  async peek(
    uri: string,
    path: string,
    text: string,
    offset: number,
    room: number,
  ): Promise<BuiltPrompt | undefined> {
    return this.make({ uri, path, text, offset }, room, undefined, false);
  }

  private async make(
    place: { readonly uri: string; readonly path: string; readonly text: string; readonly offset: number },
    room: number,
    offered: ContextPlan | undefined,
    /** Whether the document's next prompts are to be like it. */
    keep: boolean,
  ): Promise<BuiltPrompt | undefined> {
    const { uri } = place;
    const known = this.documents.get(uri) ?? {
      window: undefined,
      charactersPerToken: firstGuess,
      tokens: 0,
      mayFit: true,
    };
    const state = keep ? known : { ...known };
    if (keep) {
      this.documents.set(uri, state);
    }
    const budget = this.model.kv.context - room;
    const plan = offered ?? this.adoptedPlan(uri);
    let file = state.mayFit || plan === undefined ? await this.fit(state, place, budget) : undefined;
    let context: ShownContext | undefined;
    if (plan !== undefined && (file !== undefined || !state.mayFit)) {
      context = await this.context.choose(uri, plan, budget, state.mayFit ? file?.tokens.length : undefined);
      if (keep) {
        this.context.adopt(uri, context); // the file may have grown into the room of parts: then they are gone for good
      }
      if (!state.mayFit) {
        file = await this.fit(state, place, budget - context.tokens.length);
      }
    }
    if (file === undefined) {
      return undefined;
    }
    const tokens = context === undefined ? file.tokens : [...context.tokens, ...file.tokens];
    state.tokens = tokens.length;
    return { ...file, tokens, context, state };
  }

  /** Whether the plan should be read, to be shown from then on. */
  wants(uri: string, plan: ContextPlan | undefined): plan is ContextPlan {
    return plan !== undefined && this.context.isWorthReading(uri, plan, this.documents.get(uri)?.tokens ?? 0);
  }

  /** The model has read the prompt: the document's next ones are like it. */
  adopt(uri: string, { context, state }: BuiltPrompt): void {
    this.documents.set(uri, state);
    this.context.adopt(uri, context);
  }

  /** How long the model took to read so many tokens of a prompt. */
  measured(tokens: number, ms: number): void {
    this.context.measured(tokens, ms);
  }

  /** The plan that the document's prompts show, unless it must not be shown any more. */
  private adoptedPlan(uri: string): ContextPlan | undefined {
    const plan = this.context.shown(uri)?.plan;
    if (plan !== undefined && this.supply?.mayShow(plan) !== true) {
      this.context.adopt(uri, undefined);
      return undefined;
    }
    return plan;
  }

  /** The file's part of a prompt, at most so many tokens. */
  private async fit(
    state: DocumentState,
    { uri, path, text, offset }: { uri: string; path: string; text: string; offset: number },
    budget: number,
  ): Promise<FilePrompt | undefined> {
    const { form } = this.model.profile;
    const tokenizer = this.tokenizerFor(uri);
    const suffixStart = text.length - suffixLength(cursorText(text, offset));
    const whole = form.usesSuffix ? text.length : offset;
    let characters = state.charactersPerToken * budget;
    if (state.mayFit && whole <= mostCharactersPerToken * budget) {
      characters = Math.max(characters, whole);
    }
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const window = planWindow(text, offset, Math.floor(characters), form.usesSuffix, state.window);
      const prefix = text.slice(window.start, offset);
      const suffix = text.slice(suffixStart, Math.max(suffixStart, text.length - window.after));
      const { tokens, healed, parts } = await renderPrompt(
        form,
        { path, prefix: normalizeLineBreaks(prefix), suffix: normalizeLineBreaks(suffix) },
        tokenizer,
      );
      if (tokens.length === 0) {
        return undefined;
      }
      if (tokens.length <= budget) {
        state.window = window;
        if (window.start > 0 || window.after > 0) {
          state.mayFit = false;
          // Only the next window is any larger for it: the present one stays where it is as long as it is good.
          const learnt = (charactersShown(prefix, suffix, form.usesSuffix) / tokens.length) * safety;
          state.charactersPerToken = Math.min(
            mostCharactersPerToken,
            Math.max(state.charactersPerToken, learnt),
          );
        }
        return { tokens, healed, parts };
      }
      const measured = (charactersShown(prefix, suffix, form.usesSuffix) / tokens.length) * safety;
      // Of a whole file it is exact; of windows the densest counts until there is a better measure.
      state.charactersPerToken = state.mayFit ? measured : Math.min(state.charactersPerToken, measured);
      state.mayFit = false;
      characters = Math.min(state.charactersPerToken * budget, characters * 0.98);
      state.window = undefined;
    }
    return undefined;
  }

  forget(uri: string): void {
    this.documents.delete(uri);
    this.context.adopt(uri, undefined);
  }

  private tokenizerFor(uri: string): PromptTokenizer {
    const { engine, model } = this;
    return {
      tokenize: (text, special) => this.tokenize(text, special),
      tokenizeText: (part, text) =>
        text.length < longText
          ? this.tokenize(text, false)
          : engine.tokenizeEdited(model.handle, this.slots.slotOf(`${String(part)} ${uri}`), text),
      detokenize: (tokens) => engine.detokenize(model.handle, tokens),
    };
  }

  private async tokenize(text: string, special: boolean): Promise<readonly TokenId[]> {
    const key = `${special ? 's' : 't'}${text}`;
    const known = this.encoded.get(key);
    const tokens = known ?? (await this.engine.tokenize(this.model.handle, text, special));
    this.encoded.delete(key);
    this.encoded.set(key, tokens);
    if (this.encoded.size > rememberedTexts) {
      this.encoded.delete(this.encoded.keys().next().value as string);
    }
    return tokens;
  }
}
