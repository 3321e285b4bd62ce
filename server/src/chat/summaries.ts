/** The oldest turns of a conversation that does not fit any more become a summary, which the model itself writes. */
import type { PromptMessage } from '../conversation';
import { EngineError } from '../engine';
import type { FittedPrompt } from './fitPrompt';
import type { KeptConversation, KeptSummary } from './tree';

export interface SummaryWork {
  readonly conversation: KeptConversation;
  /** How the conversation fits with the summaries that it has. */
  readonly fit: (conversation: KeptConversation) => Promise<FittedPrompt>;
  /** What the model writes; '' = nothing. Rejects as cancelled. */
  readonly write: (messages: readonly PromptMessage[]) => Promise<string>;
  readonly hooks: {
    readonly onProgress: (phase: 'summarising', share: number) => void;
    readonly onSummary: (summary: KeptSummary) => void;
  };
}

/** Every pass summarises all that it must; more than a few mean that it does not get shorter. */
const mostPasses = 3;
/** For people and for the model. */
const notRead =
  '(What was attached to these messages is not in this summary: it is larger than the context.)';

export function tooLong(context: number): string {
  return `The conversation fills the model's context of ${context.toLocaleString('en-US')} tokens. Attach less, begin a new conversation, or edit an earlier message.`;
}

/** The prompt that fits. Rejects as `context_overflow`, with a sentence for the user, where none does. */
export async function summariseUntilItFits({
  conversation,
  fit,
  write,
  hooks,
}: SummaryWork): Promise<FittedPrompt> {
  let now = conversation;
  for (let pass = 0; ; pass += 1) {
    const fitted = await fit(now);
    if (fitted.problem !== '' || (fitted.summaries.length > 0 && pass >= mostPasses)) {
      throw new EngineError('context_overflow', fitted.problem || tooLong(fitted.context.budget));
    }
    if (fitted.summaries.length === 0) {
      return fitted;
    }
    let before = fitted.summary;
    for (const [i, { last, messages, withoutAttachments }] of fitted.summaries.entries()) {
      hooks.onProgress('summarising', i / fitted.summaries.length);
      const summary = await write(messages(before));
      if (summary === '') {
        throw new EngineError(
          'context_overflow',
          'The conversation is longer than the model can hold, and the model has written no summary of its beginning. Begin a new one, or edit an earlier message.',
        );
      }
      before = withoutAttachments ? `${summary}\n\n${notRead}` : summary;
      const kept = { last, text: before };
      hooks.onSummary(kept);
      now = { ...now, summaries: [...now.summaries, kept] };
    }
  }
}
