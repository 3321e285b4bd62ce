/**
 * How one answer comes about: the model is loaded, what was attached is fitted into its context, the oldest turns are summarised where
 * they do not fit, the prompt is read and the answer written. Nothing here knows who listens or where conversations are kept.
 */
import type { AnswerFigures, ContextUse, MessageId } from '#protocol';
import { cleanSummary, type ChatFormat } from '../conversation';
import {
  cancelled,
  isCancelled,
  Priority,
  type EnginePort,
  type EngineSession,
  type GenerateRequest,
  type GenerateResult,
  type TokenId,
} from '../engine';
import { ChatFormats, lookupPays, type ChatModel, type LoadedModel } from '../models';
import { answerRoom, attachmentShare, promptBudget, summaryTokens } from './budget';
import { fitAttachments, type Collected, type KeptAttachment } from '../attachments';
import { askOf } from './commands';
import { beginning, fitPrompt, type FittedPrompt } from './fitPrompt';
import type { RunningAnswer } from './running';
import { SaidTokens } from './saidTokens';
import { ChatSessions } from './sessions';
import { summariseUntilItFits, tooLong } from './summaries';
import {
  branchTo,
  findMessage,
  type KeptConversation,
  type KeptMessage,
  type KeptSummary,
  type MessageState,
} from './tree';

export interface AnswerHooks {
  readonly onProgress: (phase: 'loading' | 'waiting' | 'summarising' | 'reading', share: number) => void;
  /** What became of a message's attachments. */
  readonly onFitted: (message: MessageId, attachments: readonly KeptAttachment[]) => void;
  readonly onSummary: (summary: KeptSummary) => void;
  readonly onContext: (context: ContextUse) => void;
}

export interface AnswerRequest {
  readonly conversation: KeptConversation;
  /** The answer that is to be written; what it says already is gone on with. */
  readonly message: KeptMessage;
  /** What is in the attachments of messages that were never fitted, by message. */
  readonly collected: ReadonlyMap<MessageId, readonly Collected[]>;
  readonly hooks: AnswerHooks;
  readonly signal: AbortSignal;
}

export interface AnswerOutcome {
  readonly state: MessageState;
  readonly problem: string;
  readonly figures: AnswerFigures | null;
}

/** Tokens around a message, and between what is attached and what is said. */
const between = 32;
/** Nobody has stopped it, and yet it ended. */
const modelGone =
  'The model was unloaded while it answered: another was chosen, or its settings have changed.';

const charactersPerToken = 4;

export interface AnswererOptions {
  readonly engine: EnginePort;
  readonly model: ChatModel;
  /** For the sampler's seed. */
  readonly random?: () => number;
  /** Whether battery and ears are to be spared: half of the threads compute then. Absent = no. */
  readonly quiet?: () => Promise<boolean>;
}

export class Answerer {
  private readonly sessions: ChatSessions;
  private readonly formats: ChatFormats;
  private readonly system = new WeakMap<ChatFormat, Promise<number>>();
  private readonly said = new SaidTokens();

  constructor(private readonly options: AnswererOptions) {
    this.sessions = new ChatSessions(options.engine);
    this.formats = new ChatFormats(options.engine, options.model);
  }

  /** Never rejects. */
  async answer(request: AnswerRequest, running: RunningAnswer): Promise<AnswerOutcome> {
    try {
      request.hooks.onProgress('loading', 0);
      return await this.options.model.use(request.signal, (model) =>
        this.sessions.holding(request.conversation.id, () => this.write(request, running, model)),
      );
    } catch (error) {
      running.stop();
      if (request.signal.aborted) {
        return { state: 'stopped', problem: '', figures: null };
      }
      if (isCancelled(error)) {
        return { state: 'stopped', problem: modelGone, figures: null };
      }
      return {
        state: 'failed',
        problem: error instanceof Error ? error.message : String(error),
        figures: null,
      };
    }
  }

  /** The model's format; rejects with a sentence where it cannot be talked to. */
  formatOf(model: LoadedModel): Promise<ChatFormat> {
    return this.formats.of(model);
  }

  count(model: LoadedModel): (text: string) => Promise<number> {
    return async (text) => (await this.options.engine.tokenize(model.handle, text, false)).length;
  }

  /** The tokens that attachments of a message may take. */
  async roomForAttachments(
    model: LoadedModel,
    question: Pick<KeptMessage, 'command' | 'text'>,
  ): Promise<number> {
    const budget = promptBudget(model.kv.context);
    const system = await this.systemTokens(await this.formatOf(model));
    const asked = await this.count(model)(askOf(question.command, question.text));
    // A summary of what came before may have to stand beside it; what is between parts takes a few tokens, too.
    const beside = system + summaryTokens(budget) + asked + between;
    return Math.max(0, Math.min(Math.floor(budget * attachmentShare), budget - beside));
  }

  /** What a branch's next prompt would be: for showing how it fits. Summarises nothing. */
  async measure(
    model: LoadedModel,
    conversation: KeptConversation,
    branch: readonly KeptMessage[],
  ): Promise<ContextUse> {
    return (await this.fit(model, await this.formatOf(model), conversation, branch)).context;
  }

  async forgetAll(): Promise<void> {
    await this.sessions.releaseAll();
  }

  async forget(id: string): Promise<void> {
    await this.sessions.release(id);
  }

  /** Evaluates what the next prompt will begin with, while nobody waits. */
  async readAhead(conversation: KeptConversation, signal: AbortSignal): Promise<void> {
    await this.options.model.lend(async (model) => {
      const format = await this.formatOf(model);
      const branch = branchTo(conversation, conversation.head);
      const { messages } = await this.fit(model, format, conversation, branch);
      const tokens = await format.render(messages, { forAnswer: false });
      if (tokens.length > 0 && tokens.length < model.kv.context && !signal.aborted) {
        await this.sessions.holding(conversation.id, async () => {
          const session = await this.sessions.at(conversation.id, model, tokens, 'ahead');
          await session.generate({ tokens, maxTokens: 0, priority: Priority.background }, { signal });
        });
      }
    });
  }

  private async write(
    request: AnswerRequest,
    running: RunningAnswer,
    model: LoadedModel,
  ): Promise<AnswerOutcome> {
    const { hooks, signal } = request;
    const format = await this.formatOf(model);
    const conversation = await this.fitted(request, model);
    const { thinking } = conversation;
    hooks.onProgress('waiting', 0);
    const prompt = await this.prompt({ ...request, conversation }, model, format);
    hooks.onContext(prompt.context);
    const { message } = request;
    const isContinued = message.text !== '' || message.thinking !== '';
    const ids = isContinued ? this.said.of(model, conversation, message) : undefined;
    const options = {
      thinking,
      ...(isContinued && {
        begun: { thinking: message.thinking, text: message.text, ...(ids && { tokens: ids }) },
      }),
    };
    const tokens = await format.render(prompt.messages, options);
    if (tokens.length >= model.kv.context) {
      return {
        state: message.text === '' ? 'failed' : 'cut',
        problem: tooLong(model.kv.context),
        figures: null,
      };
    }
    const splitter = await format.splitter(options);
    const said: TokenId[] | undefined = isContinued && ids === undefined ? undefined : [...(ids ?? [])];
    let whole = said?.length ?? 0;
    const read = await this.read(conversation.id, model, tokens, request);
    const { session, said: keepPlace } = await this.sessions.behind(
      conversation.id,
      model,
      read.session,
      tokens,
    );
    const result = await session.generate(
      {
        tokens,
        maxTokens: model.kv.context - tokens.length,
        ...(await this.effort(model)),
        sampling: { ...format.sampling, seed: this.seed() },
        stopTokens: format.stopTokens,
        ...(lookupPays(model) ? { lookup: {} } : {}),
      },
      {
        signal,
        onEvent: (event) => {
          if (event.kind === 'token') {
            said?.push(event.id);
            // Tokens of a character that is not whole yet say nothing so far.
            whole = event.text === '' ? whole : (said?.length ?? 0);
            running.take(splitter.push(event.text));
          }
        },
      },
    );
    running.add(splitter.end());
    running.flush();
    if (said !== undefined) {
      this.said.remember(model, conversation, { ...message, text: running.text }, said.slice(0, whole));
    }
    keepPlace(result.tokens);
    hooks.onContext({ ...prompt.context, tokens: tokens.length + result.tokens.length });
    return outcomeOf(read.result, result, model.kv.context, signal.aborted);
  }

  /** The prompt first, and the answer behind a branch of it: another answer then begins where this one does. */
  private async read(
    id: string,
    model: LoadedModel,
    tokens: readonly TokenId[],
    { hooks, signal }: AnswerRequest,
  ): Promise<{ readonly session: EngineSession; readonly result: GenerateResult }> {
    const session = await this.sessions.at(id, model, tokens);
    const result = await session.generate(
      { ...(await this.effort(model)), tokens, maxTokens: 0 },
      {
        signal,
        onEvent: (event) => {
          if (event.kind === 'prefill') {
            hooks.onProgress('reading', event.done / event.total);
          }
        },
      },
    );
    signal.throwIfAborted();
    if (result.reason === 'cancelled') {
      throw cancelled();
    }
    return { session, result };
  }

  /** The conversation with what was attached lately cut to what there is room for. */
  private async fitted(
    { conversation, collected, hooks }: AnswerRequest,
    model: LoadedModel,
  ): Promise<KeptConversation> {
    let { messages } = conversation;
    for (const [id, all] of collected) {
      const question = findMessage(conversation, id) ?? { command: '' as const, text: '' };
      const room = await this.roomForAttachments(model, question);
      const attachments = await fitAttachments(all, room, this.count(model));
      messages = messages.map((message) => (message.id === id ? { ...message, attachments } : message));
      hooks.onFitted(id, attachments);
    }
    return { ...conversation, messages };
  }

  /** What every prompt of a model begins with takes. */
  private systemTokens(format: ChatFormat): Promise<number> {
    let tokens = this.system.get(format);
    if (tokens === undefined) {
      tokens = format.render(beginning).then(({ length }) => length);
      this.system.set(format, tokens);
    }
    return tokens;
  }

  private async fit(
    model: LoadedModel,
    format: ChatFormat,
    conversation: KeptConversation,
    branch: readonly KeptMessage[],
  ): Promise<FittedPrompt> {
    const { context } = model.kv;
    return fitPrompt({
      ...{ conversation, branch, context, answer: answerRoom(context), count: this.count(model) },
      idsOf: (message) => this.said.of(model, conversation, message),
      system: await this.systemTokens(format),
    });
  }

  /** Summarises the oldest turns until the rest fits. */
  private prompt(request: AnswerRequest, model: LoadedModel, format: ChatFormat): Promise<FittedPrompt> {
    const { conversation, hooks, message, signal } = request;
    return summariseUntilItFits({
      ...{ conversation, hooks },
      fit: (now) => this.fit(model, format, now, branchTo(now, message.parent)),
      write: async (messages) => {
        const maxTokens = summaryTokens(promptBudget(model.kv.context));
        const tokens = await format.render(messages, { thinking: false });
        // As a place of the conversation's own: what one of them does not need any more, another may be using.
        const session = await this.sessions.at(conversation.id, model, tokens);
        const effort = await this.effort(model);
        const { text } = await session.generate(
          { ...effort, tokens, maxTokens, sampling: { temperature: 0 }, stopTokens: format.stopTokens },
          { signal },
        );
        signal.throwIfAborted();
        return cleanSummary(text, maxTokens * charactersPerToken);
      },
    });
  }

  private async effort({ info }: LoadedModel): Promise<Pick<GenerateRequest, 'priority' | 'threads'>> {
    const isQuiet = (await this.options.quiet?.()) === true;
    return { priority: Priority.chat, ...(isQuiet && { threads: Math.max(1, Math.ceil(info.threads / 2)) }) };
  }

  private seed(): number {
    return Math.floor((this.options.random ?? Math.random)() * 2 ** 32);
  }
}

/** `read`: what was done for the prompt. */
function outcomeOf(
  read: GenerateResult,
  result: GenerateResult,
  context: number,
  wasStopped: boolean,
): AnswerOutcome {
  const figures: AnswerFigures = {
    evaluatedTokens: read.evaluated,
    reusedTokens: read.reused,
    answerTokens: result.tokens.length,
    prefillMs: read.prefillMs + result.prefillMs,
    decodeMs: result.decodeMs,
  };
  switch (result.reason) {
    case 'cancelled':
      return { state: 'stopped', problem: wasStopped ? '' : modelGone, figures };
    case 'max_tokens':
    case 'context_full':
      return {
        state: 'cut',
        problem: `The answer ends here: the model's context of ${context.toLocaleString('en-US')} tokens is full.`,
        figures,
      };
    default:
      return { state: 'done', problem: '', figures };
  }
}
