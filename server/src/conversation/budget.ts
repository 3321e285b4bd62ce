/**
 * What of a conversation a prompt shows whole, and what only as a summary. Pure arithmetic on token counts. Whole turns are summarised, the
 * oldest first, and nothing is ever dropped without being in a summary; the newest turn always stays whole. When it must be done, so much
 * is summarised that a third of the budget is free: otherwise every further turn would do it again, and every summary changes the prompt
 * from its beginning.
 */

/** A question with its answer, tool calls and results. Tokens. */
export interface TurnTokens {
  /** What was said. */
  readonly text: number;
  /** What was attached. */
  readonly attachments: number;
}

export interface PlanRequest {
  /** Tokens that the context holds. */
  readonly context: number;
  /** Kept free for the answer. */
  readonly answer: number;
  /** The system prompt and whatever else is in each prompt: tools, the template's own words. */
  readonly system: number;
  /** The oldest first. The last is to be answered. */
  readonly turns: readonly TurnTokens[];
  /** A summary that there is: of the first `turns` turns. One that covers the last turn, or turns that are not there, is left aside. */
  readonly summary?: { readonly turns: number; readonly tokens: number };
  /** The most that a new summary may take; absent = an eighth of the budget, 1,024 at the most. */
  readonly summaryRoom?: number;
  /** The question for a summary; 200 when absent. */
  readonly ask?: number;
}

/** One summary to be made: of the turns [from, to) and of the summary before them. */
export interface SummaryStep {
  readonly from: number;
  readonly to: number;
  /** What is attached to these turns must be left out of the question, it does not fit. */
  readonly withoutAttachments: boolean;
}

export interface ConversationPlan {
  /** What a prompt may have. */
  readonly budget: number;
  /** Of the prompt, as planned. A summary that is yet to be made counts with all its room. */
  readonly tokens: number;
  /** The first turns, which the prompt shows as a summary. All others are whole. */
  readonly summarised: number;
  /** Summaries to be made first, in this order, each with the one before; none = the one that there is will do. */
  readonly steps: readonly SummaryStep[];
  /** Turns whose attachments are in no summary, for the user to be told. */
  readonly unseenAttachments: readonly number[];
  /** Why the prompt does not fit even so: a sentence for the user that says what to do. '' = it fits, and only then may it be asked. */
  readonly problem: string;
}

/** Of the budget, what is free after summarising. */
export const freedShare = 1 / 3;
const usualAsk = 200;
const mostSummary = 1024;

const sizeOf = (turns: readonly TurnTokens[]): number =>
  turns.reduce((sum, { text, attachments }) => sum + text + attachments, 0);

const grouped = (count: number): string => String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');

/** Says what goes whole and what must be summarised. Never throws; counts below 0 count as 0. */
export function planConversation(request: PlanRequest): ConversationPlan {
  const turns = request.turns.map(({ text, attachments }) => ({
    text: Math.max(0, text),
    attachments: Math.max(0, attachments),
  }));
  const last = Math.max(0, turns.length - 1);
  const system = Math.max(0, request.system);
  const budget = Math.max(0, request.context - Math.max(0, request.answer));
  const room = Math.max(0, request.summaryRoom ?? Math.min(mostSummary, Math.floor(budget / 8)));
  const { summary } = request;
  const usable = summary !== undefined && summary.turns > 0 && summary.turns <= last ? summary : undefined;
  const covered = usable?.turns ?? 0;
  const from = (first: number): number => sizeOf(turns.slice(first));
  const now = system + Math.max(0, usable?.tokens ?? 0) + from(covered);
  const nothingNew = { budget, steps: [], unseenAttachments: [] };
  if (now <= budget) {
    return { ...nothingNew, tokens: now, summarised: covered, problem: '' };
  }
  const problem = whyNot({ system, budget, room: last > 0 ? room : 0, newest: turns[last] });
  if (problem !== '' || covered === last) {
    // With an old summary that is larger than its room there is nothing left to summarise but itself.
    const tooMuch = problem === '' ? tooLong(now, budget) : problem;
    return { ...nothingNew, tokens: now, summarised: covered, problem: tooMuch };
  }
  const wanted = budget * (1 - freedShare);
  let first = covered + 1;
  while (first < last && system + room + from(first) > wanted) {
    first += 1;
  }
  const {
    steps,
    unseen,
    problem: stepProblem,
  } = stepsFor({
    turns,
    from: covered,
    to: first,
    space: request.context - system - room - Math.max(0, request.ask ?? usualAsk),
    before: Math.max(0, usable?.tokens ?? 0),
    room,
  });
  const tokens = system + room + from(first);
  return { budget, tokens, summarised: first, steps, unseenAttachments: unseen, problem: stepProblem };
}

/** Why the newest turn cannot be asked even with nothing but a summary before it. */
function whyNot({
  system,
  budget,
  room,
  newest = { text: 0, attachments: 0 },
}: {
  readonly system: number;
  readonly budget: number;
  readonly room: number;
  readonly newest: TurnTokens | undefined;
}): string {
  const fixed = system + room;
  const left = Math.max(0, budget - fixed);
  if (newest.text + newest.attachments <= left) {
    return '';
  }
  if (fixed > budget) {
    return (
      `The model's context is too small to chat: what every prompt begins with takes ${grouped(system)} tokens, and there is room for ` +
      `${grouped(budget)}. Give it a larger context or choose another model.`
    );
  }
  if (newest.text <= left) {
    return (
      `What is attached takes ${grouped(newest.attachments)} tokens, and ${grouped(left - newest.text)} are left beside your message. ` +
      'Attach less, or a part of it.'
    );
  }
  return (
    `Your message takes ${grouped(newest.text)} tokens` +
    (newest.attachments > 0 ? ` and what is attached ${grouped(newest.attachments)}` : '') +
    `, and there is room for ${grouped(left)}. Shorten it, or say it in parts.`
  );
}

const tooLong = (tokens: number, budget: number): string =>
  `The conversation takes ${grouped(tokens)} tokens with its summary, and there is room for ${grouped(budget)}. Begin a new one.`;

/** As many turns at once as the context holds beside the summary of those before. */
function stepsFor({
  turns,
  from,
  to,
  space,
  before,
  room,
}: {
  readonly turns: readonly TurnTokens[];
  readonly from: number;
  readonly to: number;
  /** Tokens for turns and the summary before them. */
  readonly space: number;
  readonly before: number;
  readonly room: number;
}): { readonly steps: readonly SummaryStep[]; readonly unseen: readonly number[]; readonly problem: string } {
  const steps: SummaryStep[] = [];
  const unseen: number[] = [];
  let first = from;
  let old = before;
  while (first < to) {
    let end = first;
    while (end < to && old + sizeOf(turns.slice(first, end + 1)) <= space) {
      end += 1;
    }
    const withoutAttachments = end === first;
    if (withoutAttachments) {
      // The turn is too large with what is attached to it: what was said about that is summarised, and the user is told.
      const text = turns[first]?.text ?? 0;
      if (old + text > space) {
        return {
          steps: [],
          unseen: [],
          problem:
            `Message ${String(first + 1)} of the conversation takes ${grouped(text)} tokens, which is too much to be summarised. ` +
            'Begin a new conversation, or edit that message.',
        };
      }
      unseen.push(first);
      end = first + 1;
    }
    steps.push({ from: first, to: end, withoutAttachments });
    first = end;
    old = room;
  }
  return { steps, unseen, problem: '' };
}
