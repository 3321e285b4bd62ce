/**
 * How well a model does when it is asked in some way: the log probability that it gives to the text that really stands in the gap,
 * a character (teacher forcing). That tells ways apart on a dozen snippets. Whether its own text is exactly right does not: a small
 * model is right once or never on so few.
 */
import { Priority, type EnginePort, type EngineSession, type ModelHandle } from '../../engine';
import { renderPrompt, type Strategy } from '../../prompt';
import type { Snippet } from './snippets';

export interface Subject {
  readonly engine: EnginePort;
  readonly model: ModelHandle;
  readonly session: EngineSession;
  /** Tokens that the session holds. */
  readonly context: number;
  /** Workers that may compute. */
  readonly threads: number;
}

/** Natural logarithm of the probability, a character of the gap; null where the snippet has no room in the session. */
export async function scoreSnippet(
  { engine, model, session, context, threads }: Subject,
  { form }: Strategy,
  { path, before, middle, after }: Snippet,
  signal: AbortSignal,
): Promise<number | null> {
  const tokenize = (text: string, special = false): Promise<readonly number[]> =>
    engine.tokenize(model, text, special);
  const { tokens, healed } = await renderPrompt(
    form,
    { path, prefix: before, suffix: after },
    {
      tokenize,
      tokenizeText: (_part, text) => tokenize(text),
      detokenize: (ids) => engine.detokenize(model, ids),
    },
  );
  const forced = await tokenize(healed + middle);
  if (tokens.length === 0 || tokens.length + forced.length > context) {
    return null;
  }
  let sum = 0;
  await session.generate(
    {
      priority: Priority.background,
      tokens,
      maxTokens: forced.length,
      forced,
      sampling: { logprobs: true },
      threads,
    },
    {
      signal,
      onEvent: (event) => {
        if (event.kind === 'token') {
          sum += event.logprob ?? 0;
        }
      },
    },
  );
  signal.throwIfAborted();
  return sum / middle.length;
}
