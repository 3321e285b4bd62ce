/**
 * A document snapshot in, a suggestion out. Only a document's latest request counts: a newer one cancels the one that runs. Two propose, the model
 * and the text itself (proposals/); what is shown of it is decided by filters (decide/).
 */
import type { RenderedPrompt, SuggestionReport } from '#protocol';
import {
  cancelled,
  EngineError,
  isCancelled,
  LatestWins,
  type EnginePort,
  type SavedPagesPlace,
} from '../engine';
import type { LoadedModel, ModelHost } from '../models';
import { answerPlace, cursorText, readAnswer } from '../prompt';
import { scopeOf, type Scope, type Syntax } from '../syntax';
import { Listeners } from '../util/listeners';
import { sleep } from '../util/sleep';
import { evaluate } from './background';
import type { ContextSupply } from './contextChoice';
import { forgetLines, type CopyInput } from './copy';
import { Counters } from './counters';
import { AdaptiveDebounce } from './debounce';
import { add, choose, suggest, type Chosen } from './choosing';
import { cutAtBlockEnd, quietPlace, unfitText } from './decide';
import { fullEffort } from './effort';
import { cutWhenDone } from './lines';
import { leastConfidence, linePolicy, mostOf, withSelected, type Making } from './making';
import type { BuiltPrompt } from './promptBuilder';
import { Proposals, type RankedProposal } from './proposals';
import { RecentSuggestions } from './recent';
import type { CompletionRequest, Suggestion } from './snapshot';
import { SuggestionTrace } from './trace';
import type { Place } from './warmUp';
import { mostTokens, placeKey, Workshop } from './workshop';
import { judgeCopies, write, type WrittenText } from './writing';

export interface CompleterOptions {
  /** Where what is read of a document may be saved; absent = nothing is. */
  readonly savedPlace?: (uri: string) => SavedPagesPlace | undefined;
  /** Absent = indentation and brackets alone tell where blocks begin and end. */
  readonly syntax?: Syntax;
  /** What prompts may show besides the file; absent = nothing. */
  readonly context?: ContextSupply;
  /** Texts of other files, the most recently used first, from which lines may be copied. */
  readonly otherTexts?: (uri: string) => readonly string[];
}

/** Without the model's word only what is sure is shown. */
const leastWithoutModel = 0.5;
/** Further runs of the model for alternatives: some say the same again. */
const mostVariants = 3;

export class Completer {
  readonly changes = new Listeners();
  readonly counters = new Counters();
  /** By document. */
  private readonly latest = new Map<string, LatestWins>();
  private readonly recent = new RecentSuggestions<Chosen['made']>();
  private readonly debounce = new AdaptiveDebounce();
  private workshop: Workshop | undefined;
  private prompt: Promise<RenderedPrompt | undefined> = Promise.resolve(undefined);
  private report: SuggestionReport | undefined;
  private running = 0;
  private warming: { readonly uri: string; readonly controller: AbortController } | undefined;

  constructor(
    private readonly engine: EnginePort,
    private readonly host: ModelHost,
    private readonly options: CompleterOptions = {},
  ) {
    host.changes.add(() => {
      if (this.workshop !== undefined && this.workshop.model !== host.model) {
        this.workshop = undefined;
        this.recent.clear(); // what another model suggested is not what this one would
      } else if (this.workshop !== undefined && this.workshop.profile !== host.model?.profile) {
        this.workshop.profile = this.workshop.model.profile; // it is asked in another way from now on
        this.workshop.evaluated = undefined;
        this.recent.clear();
      }
    });
  }

  /** Whether the engine runs for a completion now. */
  get busy(): boolean {
    return this.running > 0;
  }

  /** Written out; undefined before the first one, and where the model has gone in the same moment. */
  lastPrompt(): Promise<RenderedPrompt | undefined> {
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
    return (await this.completeAll(request, signal))[0];
  }

  /** The same with as many distinct suggestions as the request allows, the surest first. */
  async completeAll(request: CompletionRequest, signal: AbortSignal): Promise<readonly Suggestion[]> {
    this.counters.add('requests');
    this.debounce.key(performance.now());
    this.warming?.controller.abort();
    try {
      return await this.latestOf(request.document.uri).run((latest) => this.answer(request, latest), signal);
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
   * Evaluates, in the background, the prompt that a completion at this place would have (background.ts). Rejects as cancelled when
   * `signal` aborts or a completion is asked for: what has been evaluated by then stays.
   */
  async warm(place: Place, signal: AbortSignal): Promise<void> {
    this.warming?.controller.abort();
    const controller = new AbortController();
    const warming = { uri: place.document.uri, controller };
    this.warming = warming;
    const deps = {
      counters: this.counters,
      changed: () => {
        this.changes.fire();
      },
      typedAlong: (uri: string, before: string, after: string) => this.recent.find(uri, before, after)?.rest,
    };
    try {
      await this.host.lend((model) =>
        evaluate(this.workshopOf(model), model, place, deps, AbortSignal.any([controller.signal, signal])),
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
    this.latest.get(uri)?.abort();
    this.latest.delete(uri);
    this.recent.forget(uri);
    forgetLines();
    this.options.syntax?.forget(uri);
    await this.workshop?.forget(uri);
  }

  private async answer(request: CompletionRequest, signal: AbortSignal): Promise<readonly Suggestion[]> {
    const trace = new SuggestionTrace(request);
    const { text, offset } = withSelected(request);
    const unfit = unfitText(text, offset);
    if (unfit !== undefined) {
      return this.offersNothing(trace, unfit);
    }
    const cursor = cursorText(text, offset);
    const effort = request.effort ?? fullEffort;
    const scope = await this.scopeAt(request, text, offset);
    const making: Making = { request, effort, text, offset, cursor, scope, signal, trace, found: [] };
    const quiet = request.places && quietPlace(scope, request.places);
    if (quiet !== undefined) {
      return this.offersNothing(trace, quiet);
    }
    const along = this.typedAlong(making);
    if (along !== undefined) {
      this.counters.add('typedAlong');
      if (mostOf(request) === 1 || along.length === 0) {
        return along;
      }
      making.found.push(...along);
    }
    if (this.whileLoading(making)) {
      return making.found;
    }
    await this.waitForPause(making);
    await this.host.use(signal, (model) => {
      trace.lap('model');
      return this.make(making, model);
    });
    return making.found;
  }

  private latestOf(uri: string): LatestWins {
    const latest = this.latest.get(uri) ?? new LatestWins();
    this.latest.set(uri, latest);
    return latest;
  }

  /** The rest of a suggestion that is being typed along, and is sure enough to be shown now; undefined = there is none. */
  private typedAlong(making: Making): readonly Suggestion[] | undefined {
    const { request, cursor, text, offset, trace } = making;
    const found = this.recent.find(request.document.uri, cursor.before, text.slice(offset));
    if (found === undefined || found.made.confidence < leastConfidence(request)) {
      return undefined;
    }
    const suggestion = suggest(making, found.rest, { maxLines: Infinity, typedAlong: true }, found.made);
    this.report = trace.reportAlong(found.made.report, suggestion);
    return suggestion === undefined ? [] : [suggestion];
  }

  private offersNothing(trace: SuggestionTrace, reason: string): [] {
    trace.filtered('place', reason);
    this.report = trace.report(undefined, { proposer: '' });
    return [];
  }

  private async scopeAt(request: CompletionRequest, text: string, offset: number): Promise<Scope> {
    const { document, selected } = request;
    const { syntax } = this.options;
    // A tree is kept in step with the document; a text with an item of the suggest widget put in is another one for a moment.
    return syntax === undefined || selected !== undefined
      ? scopeOf(document.languageId, text, offset)
      : syntax.scopeAt(document, offset);
  }

  private async waitForPause({ request, effort, signal, trace }: Making): Promise<void> {
    const wait = Math.max(effort.pauseMs, this.debounce.waitMs);
    if (wait <= 0 || request.invoked === true) {
      return;
    }
    await sleep(wait, signal);
    trace.lap('debounce');
    if (signal.aborted) {
      throw cancelled();
    }
  }

  /**
   * What the text foretells needs no model: where that is still being loaded, or there is none, a sure copy is the answer at once.
   * Whether there is one.
   */
  private whileLoading(making: Making): boolean {
    const { request } = making;
    if (this.host.state === 'ready' || request.only === 'model') {
      return false;
    }
    this.host.wake();
    const copies = new Proposals(this.copyInput(making), making.cursor.before).ranked(false);
    this.choose(making, copies, Math.max(leastWithoutModel, request.minConfidence ?? 0));
    return making.found.length > 0;
  }

  private copyInput({ request, cursor }: Making): CopyInput {
    const { before, nextLines } = cursor;
    return { before, nextLines, others: this.options.otherTexts?.(request.document.uri) ?? [] };
  }

  private async make(making: Making, model: LoadedModel): Promise<void> {
    const { request, effort, text, offset, cursor, trace } = making;
    const { uri, path } = request.document;
    const input = request.only === 'model' ? undefined : this.copyInput(making);
    const proposals = new Proposals(input, cursor.before);
    if (request.only === 'copy') {
      this.choose(making, proposals.ranked(false), leastConfidence(request));
      return;
    }
    const workshop = this.workshopOf(model);
    const started = performance.now();
    const maxTokens = mostTokens(model, request.maxTokens, effort);
    const prompt = await workshop.prompts.build(uri, path, text, offset, maxTokens, request.context);
    if (prompt === undefined) {
      this.choose(making, proposals.ranked(false), leastConfidence(request));
      return;
    }
    const promptMs = performance.now() - started;
    trace.asks(model.profile, prompt);
    workshop.evaluated = undefined;
    const { written, generated } = await this.run(workshop, making, prompt, maxTokens, proposals);
    // With an item of the suggest widget put in it is another text's prompt.
    workshop.evaluated =
      request.selected === undefined ? placeKey(request.document, request.offset) : undefined;
    this.choose(making, proposals.ranked(model.embedded), leastConfidence(request), generated);
    // One that was asked for without alternatives and not found is not looked for again.
    const variants = mostOf(request) > 1 ? mostVariants : 0;
    for (let variant = 1; making.found.length < mostOf(request) && variant <= variants; variant += 1) {
      const other = await this.run(workshop, making, prompt, maxTokens, undefined, variant);
      add(making, other.generated, model.profile.maxLines, { confidence: 0, proposer: 'model' });
    }
    this.prompt = this.writtenOut(model, prompt, {
      ...{ uri, promptMs, raw: written.result.text, suggestion: making.found[0]?.text ?? '' },
      ...{ reused: written.result.reused, evaluated: written.result.evaluated },
      ...{ prefillMs: written.result.prefillMs, decodeMs: written.result.decodeMs },
    });
  }

  /** Has the model write, and asks it about copies. */
  private async run(
    workshop: Workshop,
    making: Making,
    prompt: BuiltPrompt,
    maxTokens: number,
    /** Where the text goes, to be weighed with others; undefined = it stands for itself. */
    proposals: Proposals | undefined,
    variant?: number,
  ): Promise<{ readonly written: WrittenText; readonly generated: string }> {
    const { request, effort, cursor, scope, signal, trace } = making;
    const { model } = workshop;
    const policy = linePolicy(making, model.profile.maxLines);
    const place = answerPlace(cursor);
    const isComplete = (text: string): boolean =>
      policy.maxLines > 1 && cutAtBlockEnd(text, scope, cursor.before).ended;
    const started = performance.now();
    this.counters.add('runs');
    this.running += 1;
    this.changes.fire();
    try {
      const session = await workshop.sessions.acquire(request.document.uri);
      const expected = proposals?.likeliestCopy ?? '';
      const job = { model, prompt, effort, maxTokens, policy, isComplete, place, expected, signal };
      const written = await write(this.engine, session, variant === undefined ? job : { ...job, variant });
      this.count(workshop, request.document.uri, written);
      if (signal.aborted) {
        throw cancelled();
      }
      trace.ran(written.result);
      const raw = written.text.startsWith(prompt.healed) ? written.text.slice(prompt.healed.length) : '';
      // Half a character at the end of the tokens comes out as U+FFFD; nobody wants to insert that.
      const readable = raw.replaceAll('\r', '').replace(/\uFFFD[^]*$/, '');
      const answer = readAnswer(model.profile.strategy, readable, place, true);
      const generated = cutWhenDone(answer.text, policy);
      if (proposals !== undefined) {
        proposals.wrote({ text: generated.split('\n', 1)[0] ?? '', likelihood: written.likelihood });
        await judgeCopies(this.engine, session, job, proposals);
        trace.lap('decide');
      }
      return { written, generated };
    } catch (error) {
      // What a cancelled request has computed is computed all the same, and the next one reuses it.
      this.counters.add('tokensEvaluated', error instanceof EngineError ? error.evaluated : 0);
      throw error;
    } finally {
      this.running -= 1;
      this.debounce.ran(performance.now() - started);
    }
  }

  private count({ moved }: Workshop, uri: string, { result }: WrittenText): void {
    this.counters.add('tokensReused', result.reused);
    this.counters.add('tokensEvaluated', result.evaluated);
    this.counters.add('tokensDecoded', result.tokens.length);
    if (result.tokens.length > 1 && result.decodeMs > 0) {
      this.counters.tokensPerSecond = (result.tokens.length * 1000) / result.decodeMs;
    }
    if (result.shifted > 0) {
      moved.add(uri);
    }
  }

  private choose(making: Making, ranked: readonly RankedProposal[], least: number, generated?: string): void {
    const { request, cursor, text, offset, trace } = making;
    const modelLines = this.workshop?.profile.maxLines ?? 1;
    const chosen = choose(making, ranked, {
      least,
      modelLines,
      ...(generated !== undefined && { generated }),
    });
    if (chosen !== undefined) {
      this.recent.remember(request.document.uri, cursor.before, text.slice(offset), chosen.raw, chosen.made);
    }
    this.report = chosen?.made.report ?? trace.report(undefined, { proposer: '' });
  }

  /** Nobody who types waits for it. */
  private async writtenOut(
    model: LoadedModel,
    { tokens, healed }: BuiltPrompt,
    rest: Omit<RenderedPrompt, 'text' | 'tokens' | 'healed'>,
  ): Promise<RenderedPrompt | undefined> {
    try {
      const text = await this.engine.detokenize(model.handle, tokens);
      return { ...rest, text, tokens: tokens.length, healed };
    } catch {
      return undefined; // the model has gone
    }
  }

  private workshopOf(model: LoadedModel): Workshop {
    if (this.workshop?.model !== model) {
      // The sessions of another model were closed when it was unloaded.
      this.workshop = new Workshop(this.engine, model, this.options);
    }
    return this.workshop;
  }
}
