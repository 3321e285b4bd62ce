/**
 * A document snapshot in, a suggestion out. Only the latest request counts: a newer one cancels the one that runs.
 */
import type { RenderedPrompt, SuggestionReport } from '#protocol';
import {
  cancelled,
  EngineError,
  isCancelled,
  LatestWins,
  Priority,
  type EnginePort,
  type EngineSession,
  type GenerateResult,
  type SavedPagesPlace,
} from '../engine';
import type { CompletionProfile, LoadedModel, ModelHost } from '../models';
import {
  answerPlace,
  beginsWithPrefix,
  cursorText,
  isClosersOnly,
  readAnswer,
  type CursorText,
} from '../prompt';
import { Listeners } from '../util/listeners';
import { sleep } from '../util/sleep';
import { Counters } from './counters';
import { fullEffort, type Effort } from './effort';
import { fitToCursor } from './fit';
import { cutAtEnd, cutWhenDone, type LinePolicy } from './lines';
import { PromptBuilder, type BuiltPrompt } from './promptBuilder';
import { RecentSuggestions } from './recent';
import { SessionPool } from './sessions';
import type { CompletionRequest, Suggestion } from './snapshot';
import { SuggestionTrace } from './trace';
import type { Place } from './warmUp';

/** What is kept for one loaded model. */
interface Workshop {
  readonly model: LoadedModel;
  /** By which it was asked so far. */
  profile: CompletionProfile;
  readonly prompts: PromptBuilder;
  readonly sessions: SessionPool;
}

/** One completion in the making. */
interface Writing {
  readonly model: LoadedModel;
  readonly request: CompletionRequest;
  readonly effort: Effort;
  /** With the selected item of the suggest widget put in. */
  readonly text: string;
  readonly offset: number;
  readonly cursor: CursorText;
  readonly signal: AbortSignal;
  readonly trace: SuggestionTrace;
}

/** Lines where nothing follows the cursor; the end of the line where something does. */
function linePolicy({ model, effort, cursor }: Writing): LinePolicy {
  const alone = isClosersOnly(cursor.restOfLine) && cursor.restOfLine.trim() === '';
  return { maxLines: alone ? Math.min(model.profile.maxLines, effort.maxLines) : 1 };
}

/** The text with the selected item of the suggest widget put in, and where the cursor is then. */
function withSelected(request: CompletionRequest): { readonly text: string; readonly offset: number } {
  const { selected } = request;
  const { text } = request.document;
  if (selected === undefined) {
    return { text, offset: request.offset };
  }
  return {
    text: text.slice(0, selected.start) + selected.text + text.slice(selected.end),
    offset: selected.start + selected.text.length,
  };
}

/** Tokens. Shorter prompts are computed sooner than read. */
const worthSaving = 512;

/** A completion may take a quarter of the context: the rest is for what it goes by. */
function mostTokens(model: LoadedModel, wanted: number, effort: Effort): number {
  return Math.min(wanted, effort.maxTokens, Math.floor(model.kv.context / 4));
}

function placeKey({ uri, version }: CompletionRequest['document'], offset: number): string {
  return `${String(version)} ${String(offset)} ${uri}`;
}

export class Completer {
  readonly changes = new Listeners();
  readonly counters = new Counters();
  private readonly latest = new LatestWins();
  private readonly recent = new RecentSuggestions<SuggestionReport>();
  private workshop: Workshop | undefined;
  private prompt: RenderedPrompt | undefined;
  private report: SuggestionReport | undefined;
  private running = 0;
  private warming: { readonly uri: string; readonly controller: AbortController } | undefined;
  /** The place whose prompt was evaluated last, to its end. */
  private evaluated: string | undefined;
  /** Documents whose sessions hold pages that were moved behind an edit. */
  private readonly moved = new Set<string>();

  constructor(
    private readonly engine: EnginePort,
    private readonly host: ModelHost,
    /** Where what is read of a document may be saved; absent = nothing is. */
    private readonly savedPlace: (uri: string) => SavedPagesPlace | undefined = () => undefined,
  ) {
    host.changes.add(() => {
      if (this.workshop !== undefined && this.workshop.model !== host.model) {
        this.workshop = undefined;
        this.evaluated = undefined;
        this.moved.clear();
        this.recent.clear(); // what another model suggested is not what this one would
      } else if (this.workshop !== undefined && this.workshop.profile !== host.model?.profile) {
        this.workshop.profile = this.workshop.model.profile; // it is asked in another way from now on
        this.evaluated = undefined;
        this.recent.clear();
      }
    });
  }

  /** Whether the engine runs for a completion now. */
  get busy(): boolean {
    return this.running > 0;
  }

  get lastPrompt(): RenderedPrompt | undefined {
    return this.prompt;
  }

  /** How the last answer came about. */
  get lastReport(): SuggestionReport | undefined {
    return this.report;
  }

  /**
   * Undefined when there is nothing worth showing. Rejects as cancelled when a newer request came or `signal` aborted, and with
   * an EngineError when the engine cannot run.
   */
  async complete(request: CompletionRequest, signal: AbortSignal): Promise<Suggestion | undefined> {
    this.counters.add('requests');
    this.warming?.controller.abort();
    try {
      return await this.latest.run((latest) => this.answer(request, latest), signal);
    } catch (error) {
      if (isCancelled(error)) {
        this.counters.add('cancelled');
      }
      throw error;
    } finally {
      this.changes.fire();
    }
  }

  /**
   * Evaluates, in the background, the prompt that a completion at this place would have. Where the cursor is not known and the form
   * begins with what stands before it, the end of the file serves every place in it; where the suffix comes first, a guess would serve
   * no other place, and nothing is done. Rejects as cancelled when `signal` aborts or a completion is asked for: what has been
   * evaluated by then stays.
   */
  async warm(place: Place, signal: AbortSignal): Promise<void> {
    this.warming?.controller.abort();
    const controller = new AbortController();
    const warming = { uri: place.document.uri, controller };
    this.warming = warming;
    try {
      await this.host.lend((model) =>
        this.evaluate(model, place, AbortSignal.any([controller.signal, signal])),
      );
    } finally {
      if (this.warming === warming) {
        this.warming = undefined;
      }
    }
  }

  /** Frees what is kept for a document. */
  async forget(uri: string): Promise<void> {
    if (this.warming?.uri === uri) {
      this.warming.controller.abort();
    }
    this.evaluated = undefined;
    this.moved.delete(uri);
    this.recent.forget(uri);
    this.workshop?.prompts.forget(uri);
    await this.workshop?.sessions.release(uri);
  }

  private async answer(request: CompletionRequest, signal: AbortSignal): Promise<Suggestion | undefined> {
    const trace = new SuggestionTrace(request);
    const { text, offset } = withSelected(request);
    const cursor = cursorText(text, offset);
    const typedAlong = this.recent.find(request.document.uri, cursor.before, text.slice(offset));
    if (typedAlong !== undefined) {
      this.counters.add('typedAlong');
      const suggestion = this.suggest(request, cursor, typedAlong.rest);
      this.report = trace.reportAlong(typedAlong.made, suggestion);
      return suggestion;
    }
    const effort = request.effort ?? fullEffort;
    if (effort.pauseMs > 0 && request.invoked !== true) {
      await sleep(effort.pauseMs, signal);
      trace.lap('debounce');
      if (signal.aborted) {
        throw cancelled();
      }
    }
    return this.host.use(signal, (model) => {
      trace.lap('model');
      return this.write({ model, request, effort, text, offset, cursor, signal, trace });
    });
  }

  private async write(job: Writing): Promise<Suggestion | undefined> {
    const { model, request, effort, text, offset, cursor, trace } = job;
    const { uri, path } = request.document;
    const workshop = this.workshopOf(model);
    const started = performance.now();
    const maxTokens = mostTokens(model, request.maxTokens, effort);
    const prompt = await workshop.prompts.build(uri, path, text, offset, maxTokens);
    if (prompt === undefined) {
      return undefined;
    }
    const promptMs = performance.now() - started;
    trace.asks(model.profile, prompt);
    const policy = linePolicy(job);
    this.evaluated = undefined;
    const { result, written } = await this.run(workshop, job, prompt, maxTokens, policy);
    trace.ran(result);
    // With an item of the suggest widget put in it is another text's prompt.
    this.evaluated = request.selected === undefined ? placeKey(request.document, request.offset) : undefined;
    const raw = written.startsWith(prompt.healed) ? written.slice(prompt.healed.length) : '';
    // Half a character at the end of the tokens comes out as U+FFFD; nobody wants to insert that.
    const readable = raw.replaceAll('\r', '').replace(/\uFFFD[^]*$/, '');
    const answer = readAnswer(model.profile.strategy, readable, answerPlace(cursor), true);
    const generated = cutWhenDone(answer.text, policy);
    const suggestion = this.suggest(request, cursor, generated);
    trace.proposed({ proposer: 'model', text: generated, features: {} });
    const report = trace.report(suggestion, { proposer: 'model' });
    this.report = report;
    if (generated !== '') {
      this.recent.remember(uri, cursor.before, text.slice(offset), generated, report);
    }
    this.prompt = {
      uri,
      text: await this.engine.detokenize(model.handle, prompt.tokens),
      tokens: prompt.tokens.length,
      reused: result.reused,
      evaluated: result.evaluated,
      healed: prompt.healed,
      raw: result.text,
      suggestion: suggestion?.text ?? '',
      promptMs,
      prefillMs: result.prefillMs,
      decodeMs: result.decodeMs,
    };
    return suggestion;
  }

  private async run(
    workshop: Workshop,
    { model, request, effort, cursor, signal }: Writing,
    prompt: BuiltPrompt,
    maxTokens: number,
    policy: LinePolicy,
  ): Promise<{ readonly result: GenerateResult; readonly written: string }> {
    const session = await workshop.sessions.acquire(request.document.uri);
    const ending = new AbortController();
    const place = answerPlace(cursor);
    let written = '';
    let decided: string | undefined;
    this.counters.add('runs');
    this.running += 1;
    this.changes.fire();
    try {
      const result = await session.generate(
        {
          priority: Priority.keystroke,
          tokens: prompt.tokens,
          maxTokens,
          sampling: { banned: model.profile.banned },
          stopTokens: model.profile.stopTokens,
          // The engine stops by itself where that is sure to be right; a dropped line break would set it off at once.
          stopStrings: policy.maxLines === 1 && !prompt.healed.includes('\n') ? ['\n'] : [],
          requiredPrefix: prompt.healed,
          ...(model.profile.lookup ? { lookup: {} } : {}),
          threads: Math.ceil(model.info.threads * effort.threadShare),
          shift: true,
        },
        {
          signal: AbortSignal.any([signal, ending.signal]),
          onEvent: (event) => {
            if (event.kind === 'token' && decided === undefined) {
              written += event.text;
              const read = readAnswer(
                model.profile.strategy,
                written.slice(prompt.healed.length),
                place,
                false,
              );
              if (read.ended || cutAtEnd(read.text, policy).ended) {
                // What the engine still writes until it hears of it must make no difference.
                decided = written;
                ending.abort();
              }
            }
          },
        },
      );
      this.count(result);
      if (result.shifted > 0) {
        this.moved.add(request.document.uri);
      }
      if (signal.aborted) {
        throw cancelled();
      }
      return { result, written: decided ?? result.text };
    } catch (error) {
      // What a cancelled request has computed is computed all the same, and the next one reuses it.
      this.counters.add('tokensEvaluated', error instanceof EngineError ? error.evaluated : 0);
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  private async evaluate(model: LoadedModel, place: Place, signal: AbortSignal): Promise<void> {
    const { document } = place;
    const { uri, path, text } = document;
    const offset = place.offset ?? (beginsWithPrefix(model.profile.form) ? text.length : undefined);
    // Where there is a suggestion to be typed along, the session holds it; a prompt that ends before it would take it away.
    if (
      offset === undefined ||
      (this.evaluated === placeKey(document, offset) && !this.moved.has(uri)) ||
      this.recent.find(uri, cursorText(text, offset).before, text.slice(offset)) !== undefined
    ) {
      return;
    }
    const workshop = this.workshopOf(model);
    const maxTokens = mostTokens(model, place.maxTokens, fullEffort);
    const prompt = await workshop.prompts.build(uri, path, text, offset, maxTokens);
    if (prompt === undefined || signal.aborted) {
      return;
    }
    this.evaluated = undefined;
    try {
      await this.warmUp(workshop, uri, prompt, signal);
      this.evaluated = placeKey(document, offset);
    } catch (error) {
      this.counters.add('tokensWarmed', error instanceof EngineError ? error.evaluated : 0);
      throw error;
    } finally {
      this.changes.fire();
    }
  }

  /** First quickly, as a keystroke would have it; then, where that has moved pages behind an edit, exactly. */
  private async warmUp(
    { sessions }: Workshop,
    uri: string,
    prompt: BuiltPrompt,
    signal: AbortSignal,
  ): Promise<void> {
    const session = await sessions.acquire(uri);
    const request = { priority: Priority.background, tokens: prompt.tokens, maxTokens: 0 };
    const run = async (by: EngineSession, shift: boolean): Promise<void> => {
      const generating = by.generate({ ...request, shift }, { signal });
      this.changes.fire();
      const { evaluated, shifted } = await generating;
      this.counters.add('tokensWarmed', evaluated);
      if (shifted > 0) {
        this.moved.add(uri);
      }
    };
    await run(session, true);
    if (this.moved.has(uri)) {
      // In a session of its own, so that a keystroke meanwhile still finds what was moved. Then the document's session takes it over.
      await run(await sessions.exact(), false);
      await run(session, false);
      this.moved.delete(uri);
    }
    if (prompt.tokens.length >= worthSaving) {
      await session.save(signal); // where nothing may be saved that is over at once
    }
  }

  private count(result: GenerateResult): void {
    this.counters.add('tokensReused', result.reused);
    this.counters.add('tokensEvaluated', result.evaluated);
    this.counters.add('tokensDecoded', result.tokens.length);
    if (result.tokens.length > 1 && result.decodeMs > 0) {
      this.counters.tokensPerSecond = (result.tokens.length * 1000) / result.decodeMs;
    }
  }

  private suggest(request: CompletionRequest, cursor: CursorText, generated: string): Suggestion | undefined {
    const fitted = fitToCursor(generated, cursor);
    if (fitted === undefined) {
      return undefined;
    }
    const { selected } = request;
    const text = request.document.text.includes('\r\n') ? fitted.text.replaceAll('\n', '\r\n') : fitted.text;
    return selected === undefined
      ? { text, start: request.offset, end: request.offset + fitted.replaced }
      : { text: selected.text + text, start: selected.start, end: selected.end + fitted.replaced };
  }

  private workshopOf(model: LoadedModel): Workshop {
    if (this.workshop?.model !== model) {
      // The sessions of another model were closed when it was unloaded.
      this.workshop = {
        model,
        profile: model.profile,
        prompts: new PromptBuilder(this.engine, model),
        sessions: new SessionPool(this.engine, model, this.savedPlace),
      };
    }
    return this.workshop;
  }
}
