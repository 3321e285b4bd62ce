/** From proposals to suggestions: the surest first, as the filters (decide/) leave them. */
import type { SuggestionReport } from '#protocol';
import { copiedBlock } from './copiedBlock';
import { cutToScope, decide, type DecidePolicy } from './decide';
import { linePolicy, mostOf, type Making } from './making';
import type { Proposer, RankedProposal } from './proposals';
import type { Suggestion } from './snapshot';

export interface MadeBy {
  readonly proposer: Proposer;
  readonly confidence: number;
}

/** The first that is shown. */
export interface Chosen {
  /** What it was made of, before the filters. */
  readonly raw: string;
  readonly made: MadeBy & { readonly report: SuggestionReport };
}

/** Proposals that are told of when somebody asks why. */
const mostReported = 8;
/** Lines of a block that may be copied from elsewhere as they are. */
const mostCopiedLines = 12;

/**
 * The surest proposals of which the filters leave something, as many as are wanted. `generated`: all that the model wrote, of which
 * proposals have the first line. Undefined = none is shown.
 */
export function choose(
  making: Making,
  ranked: readonly RankedProposal[],
  {
    least,
    modelLines,
    generated = '',
  }: { readonly least: number; readonly modelLines: number; readonly generated?: string },
): Chosen | undefined {
  const { request, trace, found } = making;
  for (const { proposer, text, confidence, features } of ranked.slice(0, mostReported)) {
    trace.proposed({ proposer, text, confidence, features });
  }
  let chosen: Chosen | undefined;
  for (const proposal of ranked) {
    const { confidence, proposer } = proposal;
    if (confidence < least) {
      trace.filtered('confidence', `${confidence.toFixed(2)} is less than ${least.toFixed(2)}`);
      break;
    }
    // Of what both propose, the text has more lines than a model that is trusted with one.
    const isWritten = proposer === 'model' || (proposer === 'both' && modelLines > 1);
    const most = isWritten ? modelLines : mostCopiedLines;
    const whole = isWritten && generated !== '' ? generated : copiedBlock(proposal, making.scope, most);
    const raw = add(making, whole, most, { confidence, proposer });
    if (raw !== undefined && chosen === undefined) {
      const report = trace.report(found[0], { proposer, confidence });
      chosen = { raw, made: { report, proposer, confidence } };
    }
    if (found.length >= mostOf(request)) {
      break;
    }
  }
  return chosen;
}

/** Adds a suggestion, unless nothing is left of it or it is there already. Returns the text that it was made of. */
export function add(making: Making, whole: string, most: number, by: MadeBy): string | undefined {
  const policy = linePolicy(making, most);
  const raw = cutToScope(whole, making.scope, making.cursor.before, policy.maxLines);
  const suggestion = suggest(making, raw, policy, by);
  if (suggestion === undefined || making.found.some(({ text }) => text === suggestion.text)) {
    return undefined;
  }
  making.found.push(suggestion);
  return raw;
}

/** What the filters leave of a text. */
export function suggest(
  { request, cursor, scope, trace }: Making,
  generated: string,
  policy: DecidePolicy,
  { confidence, proposer }: MadeBy,
): Suggestion | undefined {
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
