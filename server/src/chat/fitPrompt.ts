/**
 * A branch of a conversation as a prompt that fits: which turns the model sees whole, which as a summary, and which summaries have to be
 * made first. The arithmetic is `planConversation`'s.
 */
import type { ContextUse, MessageId } from '#protocol';
import {
  planConversation,
  summaryPrompt,
  withSummary,
  type ConversationPlan,
  type PromptMessage,
  type TurnTokens,
} from '../conversation';
import type { CountTokens } from '../attachments';
import { attachedContent, promptMessage, saysNothing, userContent, type IdsOf } from './promptOf';
import { systemPrompt } from './systemPrompt';
import { summaryOf, type KeptConversation, type KeptMessage } from './tree';

/** A question, or several that were not answered, and the answer. */
export interface Turn {
  readonly questions: readonly KeptMessage[];
  readonly answer: KeptMessage | undefined;
  /** The branch's messages up to the end of this turn. */
  readonly through: number;
}

export interface FitRequest {
  readonly conversation: KeptConversation;
  /** Ends with the question to be answered, or with an answer, for what comes next. */
  readonly branch: readonly KeptMessage[];
  readonly count: CountTokens;
  readonly idsOf: IdsOf;
  /** Tokens of the model's context, and those kept free for the answer. */
  readonly context: number;
  readonly answer: number;
  /** Tokens that every prompt begins with. */
  readonly system: number;
}

/** A summary to be made. */
export interface SummaryRequest {
  /** The message that it covers, with all before it. */
  readonly last: MessageId;
  /** What is attached to its messages is left out, it does not fit: to be said where the summary is shown. */
  readonly withoutAttachments: boolean;
  readonly messages: (summaryBefore: string) => readonly PromptMessage[];
}

export interface FittedPrompt {
  readonly messages: readonly PromptMessage[];
  readonly context: ContextUse;
  /** To be made first, in this order, each with the text of the one before; the prompt is to be fitted anew then. */
  readonly summaries: readonly SummaryRequest[];
  /** The summary that there is. */
  readonly summary: string;
  /** Why it does not fit whatever is done: a sentence; '' = it does. */
  readonly problem: string;
}

/** Tokens that a template puts around a message, and a little more. */
const around = 8;

export function turnsOf(branch: readonly KeptMessage[]): readonly Turn[] {
  const turns: Turn[] = [];
  branch.forEach((message, i) => {
    const open = turns.at(-1);
    if (message.role === 'user') {
      const joins = open !== undefined && open.answer === undefined;
      const questions = joins ? [...open.questions, message] : [message];
      turns.splice(joins ? -1 : turns.length, joins ? 1 : 0, {
        questions,
        answer: undefined,
        through: i + 1,
      });
    } else if (open !== undefined && !saysNothing(message)) {
      turns.splice(-1, 1, { ...open, answer: message, through: i + 1 });
    }
  });
  return turns;
}

async function sizeOf({ questions, answer }: Turn, count: CountTokens): Promise<TurnTokens> {
  const asked = await Promise.all(questions.map((one) => count(userContent(one, false))));
  const attached = await Promise.all(
    questions
      .map(attachedContent)
      .filter((text) => text !== '')
      .map(count),
  );
  const answered = answer === undefined ? 0 : (await count(answer.text)) + around;
  const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);
  return { text: sum(asked) + questions.length * around + answered, attachments: sum(attached) };
}

function asked({ questions }: Turn, withAttachments: boolean): string {
  return questions.map((one) => userContent(one, withAttachments)).join('\n\n');
}

/** `summary` '' = none comes before these turns. */
function messagesOf(
  turns: readonly Turn[],
  summary: string,
  idsOf: IdsOf,
  withAttachments = true,
): readonly PromptMessage[] {
  const messages: PromptMessage[] = [{ role: 'system', content: systemPrompt }];
  turns.forEach((turn, i) => {
    const content = asked(turn, withAttachments);
    messages.push({
      role: 'user',
      content: i === 0 && summary !== '' ? withSummary(summary, content) : content,
    });
    if (turn.answer !== undefined) {
      messages.push(promptMessage(turn.answer, idsOf));
    }
  });
  return messages;
}

/** What every prompt begins with, for counting it. */
export const beginning: readonly PromptMessage[] = [
  { role: 'system', content: systemPrompt },
  { role: 'user', content: '.' },
];

export async function fitPrompt(request: FitRequest): Promise<FittedPrompt> {
  const { conversation, branch, count, idsOf } = request;
  const known = summaryOf(conversation, branch);
  const planned = async (
    turns: readonly Turn[],
  ): Promise<{ turns: readonly Turn[]; covered: number; plan: ConversationPlan }> => {
    const covered = turns.filter(({ through }) => through <= known.covered).length;
    const plan = planConversation({
      ...{ context: request.context, answer: request.answer, system: request.system },
      turns: await Promise.all(turns.map((turn) => sizeOf(turn, count))),
      ...(covered > 0 && { summary: { turns: covered, tokens: await count(known.text) } }),
    });
    return { turns, covered, plan };
  };
  const all = turnsOf(branch);
  let found = await planned(all);
  const newest = all.at(-1);
  if (found.plan.problem !== '' && newest !== undefined && newest.questions.length > 1) {
    // Questions before it failed, and the user was told why: they shall not make all that follow fail as well.
    const alone = await planned([...all.slice(0, -1), { ...newest, questions: newest.questions.slice(-1) }]);
    found = alone.plan.problem === '' ? alone : found;
  }
  const { turns, covered, plan } = found;
  const isUsed = covered > 0 && plan.steps.length === 0 && plan.summarised === covered;
  const shown = turns.slice(plan.summarised);
  const summary = isUsed ? known.text : '';
  const summaries = plan.steps.map(({ from, to, withoutAttachments }): SummaryRequest => {
    const last = branch[(turns[to - 1]?.through ?? 1) - 1];
    return {
      last: last?.id ?? '',
      withoutAttachments,
      messages: (before) =>
        summaryPrompt(messagesOf(turns.slice(from, to), before, idsOf, !withoutAttachments)),
    };
  });
  return {
    messages: messagesOf(shown, summary, idsOf),
    context: {
      tokens: plan.tokens,
      budget: plan.budget,
      summarised: plan.summarised === 0 ? 0 : (turns[plan.summarised - 1]?.through ?? 0),
      summary,
    },
    summaries,
    summary: covered > 0 ? known.text : '',
    problem: plan.problem,
  };
}
