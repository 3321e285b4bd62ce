/**
 * A document snapshot in, a suggestion out. Only the latest request counts: a newer one cancels the one that runs. Two propose, the model
 * and the text itself (proposals/); what is shown of it is decided by filters (decide/).
 */
import type { RenderedPrompt, SuggestionReport } from '#protocol';
import {
  cancelled,
  EngineError,
  isCancelled,
  LatestWins,
  type EnginePort,
  type EngineSession,
  type SavedPagesPlace,
} from '../engine';
import type { LoadedModel, ModelHost } from '../models';
import { answerPlace, cursorText, isClosersOnly, readAnswer, type CursorText } from '../prompt';
import { scopeOf, type Scope, type Syntax } from '../syntax';
import { Listeners } from '../util/listeners';
import { sleep } from '../util/sleep';
import { evaluate } from './background';
import type { ContextSupply } from './contextChoice';
import type { CopyInput } from './copy';
import { Counters } from './counters';
import { AdaptiveDebounce } from './debounce';
import {
  cutAtBlockEnd,
  cutToScope,
  decide,
  linesFor,
  quietPlace,
  unfitText,
  type DecidePolicy,
} from './decide';
import { fullEffort, type Effort } from './effort';
import { copiedBlock } from './copiedBlock';
import { cutWhenDone, type LinePolicy } from './lines';
import type { BuiltPrompt } from './promptBuilder';
import { mostJudged, Proposals, type Proposer, type RankedProposal } from './proposals';
import { RecentSuggestions } from './recent';
import type { CompletionRequest, Suggestion } from './snapshot';
import { SuggestionTrace } from './trace';
import type { Place } from './warmUp';
import { mostTokens, placeKey, Workshop } from './workshop';
import { likelihoodOf, write, type WrittenText } from './writing';

/** One completion in the making. */
interface Making {
  readonly request: CompletionRequest;
  readonly effort: Effort;
  /** With the selected item of the suggest widget put in. */
  readonly text: string;
  readonly offset: number;
  readonly cursor: CursorText;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly trace: SuggestionTrace;
  /** What will be shown, the surest first. */
  readonly found: Suggestion[];
}

interface Remembered {
  readonly report: SuggestionReport;
  readonly proposer: Proposer;
  readonly confidence: number;
}

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
/** Proposals that are told of when somebody asks why. */
const mostReported = 8;
/** Further runs of the model for alternatives: some say the same again. */
const mostVariants = 3;
/** Lines of a block that may be copied from elsewhere as they are. */
const mostCopiedLines = 12;

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

/** Lines where nothing follows the cursor; the end of the line where something does. */
function linePolicy({ effort, cursor, scope }: Making, most: number): LinePolicy {
  const alone = isClosersOnly(cursor.restOfLine) && cursor.restOfLine.trim() === '';
  return { maxLines: alone ? linesFor(scope, Math.min(most, effort.maxLines)) : 1 };
}

function mostOf({ alternatives }: CompletionRequest): number {
  return Math.max(1, alternatives ?? 1);
}

export class Completer {
  readonly changes = new Listeners();
  readonly counters = new Counters();
  private readonly latest = new LatestWins();
  private readonly recent = new RecentSuggestions<Remembered>();
  private readonly debounce = new AdaptiveDebounce();
  private workshop: Workshop | undefined;
  private prompt: RenderedPrompt | undefined;
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
    return (await this.completeAll(request, signal))[0];
  }

  /** The same with as many distinct suggestions as the request allows, the surest first. */
  async completeAll(request: CompletionRequest, signal: AbortSignal): Promise<readonly Suggestion[]> {
    this.counters.add('requests');
    this.debounce.key(performance.now());
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
    this.recent.forget(uri);
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
    const typedAlong = this.recent.find(request.document.uri, cursor.before, text.slice(offset));
    if (typedAlong !== undefined) {
      this.counters.add('typedAlong');
      const { made, rest } = typedAlong;
      const suggestion = this.suggest(making, rest, { maxLines: Infinity, typedAlong: true }, made);
      this.report = trace.reportAlong(made.report, suggestion);
      if (mostOf(request) === 1 || suggestion === undefined) {
        return suggestion === undefined ? [] : [suggestion];
      }
      making.found.push(suggestion);
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
      this.choose(making, proposals.ranked(false), request.minConfidence ?? 0);
      return;
    }
    const workshop = this.workshopOf(model);
    const started = performance.now();
    const maxTokens = mostTokens(model, request.maxTokens, effort);
    const prompt = await workshop.prompts.build(uri, path, text, offset, maxTokens, request.context);
    if (prompt === undefined) {
      this.choose(making, proposals.ranked(false), request.minConfidence ?? 0);
      return;
    }
    const promptMs = performance.now() - started;
    trace.asks(model.profile, prompt);
    workshop.evaluated = undefined;
    const { written, generated } = await this.run(workshop, making, prompt, maxTokens, proposals);
    // With an item of the suggest widget put in it is another text's prompt.
    workshop.evaluated =
      request.selected === undefined ? placeKey(request.document, request.offset) : undefined;
    this.choose(
      making,
      proposals.ranked(model.embedded),
      request.invoked === true ? 0 : (request.minConfidence ?? 0),
      generated,
    );
    // One that was asked for without alternatives and not found is not looked for again.
    const variants = mostOf(request) > 1 ? mostVariants : 0;
    for (let variant = 1; making.found.length < mostOf(request) && variant <= variants; variant += 1) {
      const other = await this.run(workshop, making, prompt, maxTokens, undefined, variant);
      this.add(making, other.generated, model.profile.maxLines, { confidence: 0, proposer: 'model' });
    }
    const { result } = written;
    this.prompt = {
      uri,
      text: await this.engine.detokenize(model.handle, prompt.tokens),
      tokens: prompt.tokens.length,
      reused: result.reused,
      evaluated: result.evaluated,
      healed: prompt.healed,
      raw: result.text,
      suggestion: making.found[0]?.text ?? '',
      promptMs,
      prefillMs: result.prefillMs,
      decodeMs: result.decodeMs,
    };
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
      const job = { model, prompt, effort, maxTokens, policy, isComplete, place, signal };
      const written = await write(session, variant === undefined ? job : { ...job, variant });
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
        await this.judge(session, making, workshop, prompt, proposals);
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

  private async judge(
    session: EngineSession,
    { effort, signal, trace }: Making,
    { model }: Workshop,
    prompt: BuiltPrompt,
    proposals: Proposals,
  ): Promise<void> {
    for (const text of model.profile.judgesCopies ? proposals.toJudge(mostJudged) : []) {
      const tokens = await this.engine.tokenize(model.handle, `${prompt.healed}${text}\n`, false);
      proposals.judge(text, await likelihoodOf(session, { model, prompt, effort, signal }, tokens));
      if (signal.aborted) {
        throw cancelled();
      }
    }
    trace.lap('decide');
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

  /**
   * The surest proposals of which the filters leave something, as many as are wanted. `generated`: all that the model wrote, of which
   * proposals have the first line.
   */
  private choose(making: Making, ranked: readonly RankedProposal[], least: number, generated = ''): void {
    const { request, cursor, text, offset, trace, found } = making;
    for (const { proposer, text: proposed, confidence, features } of ranked.slice(0, mostReported)) {
      trace.proposed({ proposer, text: proposed, confidence, features });
    }
    let chosen: Remembered | undefined;
    for (const proposal of ranked) {
      const { confidence, proposer } = proposal;
      if (confidence < least) {
        trace.filtered('confidence', `${confidence.toFixed(2)} is less than ${least.toFixed(2)}`);
        break;
      }
      // Of what both propose, the text has more lines than a model that is trusted with one.
      const modelLines = this.workshop?.profile.maxLines ?? 1;
      const isWritten = proposer === 'model' || (proposer === 'both' && modelLines > 1);
      const most = isWritten ? modelLines : mostCopiedLines;
      const whole = isWritten && generated !== '' ? generated : copiedBlock(proposal, making.scope, most);
      const added = this.add(making, whole, most, { confidence, proposer });
      if (added !== undefined && chosen === undefined) {
        chosen = { report: trace.report(found[0], { proposer, confidence }), proposer, confidence };
        this.recent.remember(request.document.uri, cursor.before, text.slice(offset), added, chosen);
      }
      if (found.length >= mostOf(request)) {
        break;
      }
    }
    this.report = chosen?.report ?? trace.report(undefined, { proposer: '' });
  }

  /** Adds a suggestion, unless nothing is left of it or it is there already. Returns the text that it was made of. */
  private add(
    making: Making,
    whole: string,
    most: number,
    by: { readonly confidence: number; readonly proposer: Proposer },
  ): string | undefined {
    const policy = linePolicy(making, most);
    const raw = cutToScope(whole, making.scope, making.cursor.before, policy.maxLines);
    const suggestion = this.suggest(making, raw, policy, by);
    if (suggestion === undefined || making.found.some(({ text }) => text === suggestion.text)) {
      return undefined;
    }
    making.found.push(suggestion);
    return raw;
  }

  private suggest(
    making: Making,
    generated: string,
    policy: DecidePolicy,
    { confidence, proposer }: { readonly confidence: number; readonly proposer: Proposer },
  ): Suggestion | undefined {
    const { request, cursor, scope, trace } = making;
    const decision = decide(generated, cursor, scope, policy);
    for (const { filter, text } of decision.steps) {
      trace.filtered(filter, text === '' ? 'nothing is left' : text);
    }
    if ('dropped' in decision) {
      trace.filtered('dropped', decision.dropped);
      return undefined;
    }
    const { selected } = request;
    const { text, replaced } = decision;
    return selected === undefined
      ? { text, start: request.offset, end: request.offset + replaced, confidence, proposer }
      : {
          ...{ text: selected.text + text, start: selected.start, end: selected.end + replaced },
          ...{ confidence, proposer },
        };
  }

  private workshopOf(model: LoadedModel): Workshop {
    if (this.workshop?.model !== model) {
      // The sessions of another model were closed when it was unloaded.
      this.workshop = new Workshop(this.engine, model, this.options);
    }
    return this.workshop;
  }
}
