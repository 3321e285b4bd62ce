/** What a completion at a place is likely to need, computed before anybody asks: at background priority, and given up for whoever does. */
import { EngineError, Priority, type EngineSession } from '../engine';
import type { LoadedModel } from '../models';
import { beginsWithPrefix, cursorText } from '../prompt';
import { placeAfterAccepting } from './afterAccepting';
import type { Counters } from './counters';
import { fullEffort } from './effort';
import type { BuiltPrompt } from './promptBuilder';
import type { Place } from './warmUp';
import { mostTokens, placeKey, type Workshop } from './workshop';

/** Tokens. Shorter prompts are computed sooner than read. */
const worthSaving = 512;

export interface BackgroundDeps {
  readonly counters: Counters;
  readonly changed: () => void;
  /**
   * What is left of a suggestion that can be typed along at this place: then the session holds it, and a prompt that ends before it would
   * take it away.
   */
  readonly typedAlong: (uri: string, before: string, after: string) => string | undefined;
}

/**
 * The prompt that a completion at this place would have. Where the cursor is not known and the form begins with what stands before it, the
 * end of the file serves every place in it; where the suffix comes first, a guess would serve no other place, and nothing is done.
 */
export async function evaluate(
  workshop: Workshop,
  model: LoadedModel,
  place: Place,
  deps: BackgroundDeps,
  signal: AbortSignal,
): Promise<void> {
  const { document } = place;
  const { uri, path, text } = document;
  const offset = place.offset ?? (beginsWithPrefix(model.profile.form) ? text.length : undefined);
  const planned = workshop.context?.plan(uri);
  // What is to be shown for the first time is read whatever else there is: prompts show it from then on.
  const plan = workshop.prompts.wants(uri, planned) ? planned : undefined;
  if (offset === undefined) {
    return;
  }
  if (plan === undefined) {
    const rest = deps.typedAlong(uri, cursorText(text, offset).before, text.slice(offset));
    if (rest !== undefined) {
      await prepareAccepting(workshop, model, { ...place, offset }, rest, deps, signal);
      return;
    }
    if (workshop.evaluated === placeKey(document, offset) && !workshop.moved.has(uri)) {
      return;
    }
  }
  const maxTokens = mostTokens(model, place.maxTokens, fullEffort);
  const prompt = await workshop.prompts.build(uri, path, text, offset, maxTokens, plan);
  if (prompt === undefined || signal.aborted) {
    return;
  }
  workshop.evaluated = undefined;
  try {
    await evaluatePrompt(workshop, uri, prompt, deps, signal);
    if (plan !== undefined) {
      workshop.prompts.adopt(uri, prompt);
    }
    workshop.evaluated = placeKey(document, offset);
  } catch (error) {
    deps.counters.add('tokensWarmed', error instanceof EngineError ? error.evaluated : 0);
    throw error;
  } finally {
    deps.changed();
  }
}

/**
 * The state as it will be when the suggestion is taken. Where the prompt begins with what follows the cursor, that only appends to what the
 * document's session holds (a suggestion that was copied from a text is not in it). Elsewhere what follows moves: then in a session of its
 * own, whose finished pages the document's takes over when it comes to that.
 */
async function prepareAccepting(
  workshop: Workshop,
  model: LoadedModel,
  { document, offset, maxTokens }: Place & { readonly offset: number },
  rest: string,
  { counters, changed }: BackgroundDeps,
  signal: AbortSignal,
): Promise<void> {
  const { uri, path } = document;
  const next = placeAfterAccepting(document, offset, rest);
  const key = `${placeKey(document, offset)} ${rest}`;
  if (next === undefined || workshop.prepared === key) {
    return;
  }
  const most = mostTokens(model, maxTokens, fullEffort);
  const prompt = await workshop.prompts.peek(uri, path, next.text, next.offset, most);
  if (prompt === undefined || signal.aborted) {
    return;
  }
  const appends = !beginsWithPrefix(model.profile.form);
  const session = await (appends ? workshop.sessions.acquire(uri) : workshop.sessions.exact());
  const request = { priority: Priority.background, tokens: prompt.tokens, maxTokens: 0, shift: appends };
  try {
    const { evaluated } = await session.generate(request, { signal });
    counters.add('tokensWarmed', evaluated);
    workshop.prepared = key;
  } catch (error) {
    counters.add('tokensWarmed', error instanceof EngineError ? error.evaluated : 0);
    throw error;
  } finally {
    changed();
  }
}

/** First quickly, as a keystroke would have it; then, where that has moved pages behind an edit, exactly. */
async function evaluatePrompt(
  { sessions, moved, prompts }: Workshop,
  uri: string,
  prompt: BuiltPrompt,
  { counters, changed }: BackgroundDeps,
  signal: AbortSignal,
): Promise<void> {
  const session = await sessions.acquire(uri);
  const request = { priority: Priority.background, tokens: prompt.tokens, maxTokens: 0 };
  const run = async (by: EngineSession, shift: boolean): Promise<void> => {
    const generating = by.generate({ ...request, shift }, { signal });
    changed();
    const { evaluated, shifted, prefillMs } = await generating;
    prompts.measured(evaluated, prefillMs);
    counters.add('tokensWarmed', evaluated);
    if (shifted > 0) {
      moved.add(uri);
    }
  };
  await run(session, true);
  if (moved.has(uri)) {
    // In a session of its own, so that a keystroke meanwhile still finds what was moved. Then the document's session takes it over.
    await run(await sessions.exact(), false);
    await run(session, false);
    moved.delete(uri);
  }
  if (prompt.tokens.length >= worthSaving) {
    await session.save(signal); // where nothing may be saved that is over at once
  }
}
