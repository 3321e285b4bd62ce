/** What the model says of a change at a place: how likely it finds the line with it, against the line as it is. */
import { EngineSession, Priority, type EnginePort, type TokenId } from '../../engine';
import type { LoadedModel, ModelHost } from '../../models';
import { cursorText, normalizeLineBreaks, planWindow, renderPrompt } from '../../prompt';
import type { Candidate, Followable } from './places';

/** UTF-16 units of the text that the model is shown around a place. */
const mostShown = 6_000;
const charactersPerToken = 2.5;
/** Tokens of the line that it is asked about: one pass. */
const mostForced = 16;

/** Lines of the change itself where the window does not show them, so that the model knows of it. */
function linesOfChange(text: string, { rule }: Candidate, from: number, to: number): string {
  const { start, end } = rule.latest;
  if (start >= from && end <= to) {
    return '';
  }
  const begin = text.lastIndexOf('\n', start - 1) + 1;
  const close = text.indexOf('\n', end);
  return `${text.slice(begin, close < 0 ? text.length : close)}\n`;
}

async function sumOf(
  session: EngineSession,
  prompt: readonly TokenId[],
  forced: readonly TokenId[],
  signal: AbortSignal,
): Promise<number> {
  let sum = 0;
  await session.generate(
    {
      priority: Priority.background,
      tokens: prompt,
      maxTokens: forced.length,
      sampling: { logprobs: true },
      forced,
    },
    {
      signal,
      onEvent: (event) => {
        sum += event.kind === 'token' ? (event.logprob ?? 0) : 0;
      },
    },
  );
  return sum;
}

/** The tokens of both that differ, with those behind them up to where they are the same length again from the line's end. */
function cut(tokens: readonly TokenId[], others: readonly TokenId[]): readonly TokenId[] {
  let tail = 0;
  while (
    tail < tokens.length &&
    tail < others.length &&
    tokens[tokens.length - 1 - tail] === others[others.length - 1 - tail]
  ) {
    tail += 1;
  }
  // A few of what follows: the change must go with it.
  return tokens.slice(0, Math.min(mostForced, tokens.length - tail + 4));
}

/**
 * The natural logarithm of how much likelier the line is with the change than without. Undefined where no model is loaded, or it is asked in a
 * way that tells nothing. Rejects as cancelled when `signal` aborts.
 */
export async function gainOf(
  engine: EnginePort,
  host: ModelHost,
  document: Followable & { readonly path: string },
  candidate: Candidate,
  signal: AbortSignal,
): Promise<number | undefined> {
  return host.lend(async (model) =>
    model.profile.strategy === 'chat' ? undefined : await ask(engine, model, document, candidate, signal),
  );
}

async function ask(
  engine: EnginePort,
  model: LoadedModel,
  { text, path }: Followable & { readonly path: string },
  candidate: Candidate,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { form } = model.profile;
  const { start, end, rule } = candidate;
  const room = Math.min(mostShown, Math.floor((model.kv.context - 2 * mostForced) * charactersPerToken));
  const window = planWindow(text, start, room, form.usesSuffix, undefined);
  const { restOfLine, nextLines } = cursorText(text, end);
  const until = text.length - window.after;
  const prefix = linesOfChange(text, candidate, window.start, until) + text.slice(window.start, start);
  const suffix = nextLines.slice(0, Math.max(0, until - (text.length - nextLines.length)));
  const { tokens, healed } = await renderPrompt(
    form,
    { path, prefix: normalizeLineBreaks(prefix), suffix: normalizeLineBreaks(suffix) },
    {
      tokenize: (piece, special) => engine.tokenize(model.handle, piece, special),
      tokenizeText: (_part, piece) => engine.tokenize(model.handle, piece, false),
      detokenize: (ids) => engine.detokenize(model.handle, ids),
    },
  );
  if (tokens.length === 0 || tokens.length + 2 * mostForced > model.kv.context) {
    return undefined;
  }
  const [changed, unchanged] = [
    await engine.tokenize(model.handle, `${healed}${rule.inserted}${restOfLine}\n`, false),
    await engine.tokenize(model.handle, `${healed}${rule.removed}${restOfLine}\n`, false),
  ];
  const session = await EngineSession.open(engine, model.handle, model.kv.context, model.kv.codec, {
    user: 'completion',
  });
  try {
    const now = await sumOf(session, tokens, cut(changed, unchanged), signal);
    return signal.aborted ? undefined : now - (await sumOf(session, tokens, cut(unchanged, changed), signal));
  } finally {
    await session.close();
  }
}
