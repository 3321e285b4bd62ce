/**
 * Writes down, while a request is answered, how its suggestion comes about: for "Why this suggestion?", which is asked afterwards. Holds
 * figures and the suggestion's own text; nothing of the document.
 */
import type {
  FilterOutcome,
  PromptPart,
  PromptTokens,
  Proposal,
  SuggestionReport,
  SuggestionTimes,
} from '#protocol';
import type { GenerateResult } from '../engine';
import type { CompletionProfile } from '../models';
import type { FimField, RenderedPart } from '../prompt';
import type { ContextSource } from '../workspace';
import type { ShownContext } from './contextChoice';
import type { BuiltPrompt } from './promptBuilder';
import type { CompletionRequest, Suggestion } from './snapshot';

const noTokens: PromptTokens = { all: 0, reused: 0, shared: 0, shifted: 0, computed: 0 };
const noTimes: SuggestionTimes = {
  debounce: 0,
  model: 0,
  prompt: 0,
  queue: 0,
  prefill: 0,
  decode: 0,
  decide: 0,
  total: 0,
};

const fieldNames: Readonly<Record<FimField, string>> = {
  path: 'path',
  prefix: 'before the cursor',
  head: 'before the cursor’s line',
  line: 'the cursor’s line',
  suffix: 'behind the cursor',
};

function partOf({ fields, characters, tokens }: RenderedPart, path: string): PromptPart {
  const what = fields.map((field) => fieldNames[field]).join(', ');
  return { what: what === '' ? 'the form' : what, source: what === '' ? '' : path, characters, tokens };
}

/** In words. */
const sourceNames: Readonly<Record<ContextSource, string>> = {
  definition: 'another file: a definition',
  import: 'another file: what is imported',
  open: 'another file: open, similar lines',
  edited: 'another file: edited lately, similar lines',
  recentEdit: 'a recent edit',
};

/** What stands before the file. */
function partsOf(context: ShownContext | undefined): PromptPart[] {
  if (context === undefined || context.parts.length === 0) {
    return [];
  }
  const parts = context.parts.map(({ part, tokens }): PromptPart => ({
    what: sourceNames[part.source],
    source: `${part.path}, lines ${String(part.startLine + 1)} to ${String(part.endLine)}`,
    characters: part.text.length,
    tokens,
  }));
  const head = context.tokens.length - parts.reduce((sum, { tokens }) => sum + tokens, 0);
  const { repository } = context.plan;
  return head > 0
    ? [{ what: 'the repository’s name', source: '', characters: repository.length, tokens: head }, ...parts]
    : parts;
}

/** From 0; characters are UTF-16 units. */
export function positionAt(text: string, offset: number): { line: number; character: number } {
  let line = 0;
  let start = 0;
  for (const pattern = /\r\n|\r|\n/g; ; line += 1) {
    pattern.lastIndex = start;
    const found = pattern.exec(text);
    const end = found === null ? Infinity : found.index + found[0].length;
    if (end > offset) {
      return { line, character: offset - start };
    }
    start = end;
  }
}

export class SuggestionTrace {
  private readonly started: number;
  private lapStarted: number;
  private times = noTimes;
  private tokens = noTokens;
  private parts: readonly PromptPart[] = [];
  private profile: CompletionProfile | undefined;
  private healed = '';
  private written = '';
  private decodedTokens = 0;
  private readonly proposals: Proposal[] = [];
  private readonly filters: FilterOutcome[] = [];

  constructor(
    private readonly request: CompletionRequest,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.started = now();
    this.lapStarted = this.started;
  }

  /** What has passed since the last lap belongs to this phase. */
  lap(phase: Exclude<keyof SuggestionTimes, 'queue' | 'prefill' | 'decode' | 'total'>): void {
    const now = this.now();
    this.times = { ...this.times, [phase]: this.times[phase] + now - this.lapStarted };
    this.lapStarted = now;
  }

  /** The model is going to be asked, in its way, with this prompt. */
  asks(profile: CompletionProfile, prompt: BuiltPrompt): void {
    this.lap('prompt');
    this.profile = profile;
    this.healed = prompt.healed;
    this.parts = [
      ...partsOf(prompt.context),
      ...prompt.parts.map((part) => partOf(part, this.request.document.path)),
    ];
  }

  /** The engine has run; what passed since the last lap was its time. */
  ran(result: GenerateResult): void {
    this.lapStarted = this.now();
    const { reused, shared, shifted, evaluated } = result;
    this.tokens = { all: reused + evaluated, reused, shared, shifted, computed: evaluated };
    this.written = result.text;
    this.decodedTokens = result.tokens.length;
    this.times = {
      ...this.times,
      queue: result.queueMs + result.pausedMs,
      prefill: result.prefillMs,
      decode: result.decodeMs,
    };
  }

  /** To be called for each, whether or not it is taken. */
  proposed(proposal: Proposal): void {
    this.proposals.push(proposal);
  }

  /** A filter has looked at what was to be shown. */
  filtered(name: string, outcome: string): void {
    this.filters.push({ name, outcome });
  }

  /** What came of it. `by`: who proposed it, and how sure that is. */
  report(
    suggestion: Suggestion | undefined,
    by: { readonly proposer: string; readonly confidence?: number },
  ): SuggestionReport {
    this.lap('decide');
    const { document, offset } = this.request;
    return {
      uri: document.uri,
      languageId: document.languageId,
      position: positionAt(document.text, offset),
      suggestion: suggestion?.text ?? '',
      proposer: suggestion === undefined ? '' : by.proposer,
      ...(suggestion === undefined || by.confidence === undefined ? {} : { confidence: by.confidence }),
      by: 'run',
      strategy: this.profile?.strategy ?? '',
      strategyReason: this.profile?.strategyReason ?? '',
      parts: this.parts,
      tokens: this.tokens,
      healed: this.healed,
      written: this.written,
      decodedTokens: this.decodedTokens,
      times: { ...this.times, total: this.now() - this.started },
      proposals: this.proposals,
      filters: this.filters,
    };
  }

  /** The rest of an earlier suggestion was the answer: what is said of that one still holds, but for place and text. */
  reportAlong(earlier: SuggestionReport | undefined, suggestion: Suggestion | undefined): SuggestionReport {
    const now = this.report(suggestion, { proposer: earlier?.proposer ?? '' });
    return {
      ...(earlier ?? now),
      position: now.position,
      suggestion: now.suggestion,
      by: 'typedAlong',
    };
  }
}
