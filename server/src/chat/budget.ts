/** How a model's context is shared out between a conversation, what is attached to it, and the answer. Tokens. */

/** Of the context: room that is kept for the answer. */
const answerShare = 1 / 4;
const mostAnswerRoom = 2_048;
/** Of what is left: the most that attachments may take. */
export const attachmentShare = 3 / 4;
const mostSummary = 1_024;

export function answerRoom(context: number): number {
  return Math.min(mostAnswerRoom, Math.floor(context * answerShare));
}

/** What a prompt may have. */
export function promptBudget(context: number): number {
  return context - answerRoom(context);
}

/** What a summary may have. */
export function summaryTokens(budget: number): number {
  return Math.min(mostSummary, Math.floor(budget / 8));
}
