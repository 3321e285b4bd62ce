/** What the scripted engine does for one job: bring the timeline up to the prompt, then say the answer token by token. */
import { sleep } from '../util/sleep';
import { cancelled, invalidArgument } from './errors';
import { EngineError, type GenerateEvent, type GenerateRequest, type StopReason, type TokenId } from './port';
import type { ScriptedTokenizer } from './scriptedTokenizer';

/** A session's tokens, and how many of them have been evaluated (the last sampled one has not). */
export interface ScriptedTimeline {
  tokens: TokenId[];
  evaluated: number;
  /** Tokens at the most. */
  readonly capacity: number;
}

interface Pace {
  readonly msPerToken: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: GenerateEvent) => void;
}

/** Prompt tokens between two looks at the cancel signal and two progress events. */
const chunk = 32;

/** Takes no time when `ms` is 0, so that tests without delays run in microtasks only. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await (ms > 0 ? sleep(ms, signal) : Promise.resolve());
}

function commonPrefix(a: readonly TokenId[], b: readonly TokenId[], limit: number): number {
  const end = Math.min(limit, a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) {
    length += 1;
  }
  return length;
}

/** Keeps the longest prefix that is evaluated already; at least the last token is evaluated anew, for its logits. */
export async function syncScripted(
  timeline: ScriptedTimeline,
  prompt: readonly TokenId[],
  { msPerToken, signal, onEvent }: Pace,
): Promise<{ reused: number; evaluated: number; shared: number; shifted: number }> {
  if (prompt.length === 0) {
    throw invalidArgument('The prompt is empty.');
  }
  if (prompt.length > timeline.capacity) {
    throw new EngineError(
      'context_overflow',
      `The prompt has ${String(prompt.length)} tokens, but the session holds ${String(timeline.capacity)}.`,
    );
  }
  const kept = commonPrefix(timeline.tokens, prompt, timeline.evaluated);
  const reused = Math.min(kept, prompt.length - 1);
  timeline.tokens = prompt.slice(0, reused);
  timeline.evaluated = reused;
  while (timeline.evaluated < prompt.length) {
    const done = Math.min(timeline.evaluated + chunk, prompt.length);
    await pause(msPerToken * (done - timeline.evaluated), signal);
    if (signal.aborted) {
      throw cancelled(timeline.evaluated - reused);
    }
    timeline.tokens = prompt.slice(0, done);
    timeline.evaluated = done;
    onEvent({ kind: 'prefill', done, total: prompt.length });
  }
  return { reused, evaluated: prompt.length - reused, shared: 0, shifted: 0 };
}

/** The length of the longest end of `text` with which a stop string may begin: it must be held back. */
function heldBack(text: string, stopStrings: readonly string[]): number {
  const longest = Math.max(0, ...stopStrings.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
    const end = text.slice(text.length - length);
    if (stopStrings.some((stop) => stop.startsWith(end))) {
      return length;
    }
  }
  return 0;
}

/** Where the first stop string begins, or -1. */
function findStop(text: string, stopStrings: readonly string[]): number {
  const found = stopStrings.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}

export async function decodeScripted(
  timeline: ScriptedTimeline,
  tokenizer: ScriptedTokenizer,
  request: GenerateRequest,
  {
    answer,
    logprob,
    msPerToken,
    signal,
    onEvent,
  }: Pace & { readonly answer: string; readonly logprob: number },
): Promise<{ tokens: readonly TokenId[]; text: string; reason: StopReason }> {
  const { requiredPrefix = '', stopStrings = [], stopTokens = [], maxTokens } = request;
  const said = answer.startsWith(requiredPrefix) ? answer : requiredPrefix + answer;
  const banned = new Set(request.sampling?.banned);
  const stop = new Set(stopTokens);
  // Under a constraint nothing but text is said, and all of it.
  const bound = request.constraint !== undefined;
  const free = tokenizer.encode(said, !bound).filter((id) => bound || !banned.has(id));
  const { forced = [], sampling } = request;
  const planned = [...forced, ...free.slice(forced.length)];
  const asked = sampling?.logprobs === true || (sampling?.topLogprobs ?? 0) > 0;
  const tokens: TokenId[] = [];
  let released = '';
  let pending = '';
  const finish = (reason: StopReason): { tokens: readonly TokenId[]; text: string; reason: StopReason } => ({
    tokens,
    text: released,
    reason,
  });
  for (let i = 0; ; i += 1) {
    if (i >= maxTokens) {
      released += pending;
      return finish('max_tokens');
    }
    if (timeline.tokens.length >= timeline.capacity) {
      released += pending;
      return finish('context_full');
    }
    await pause(msPerToken, signal);
    if (signal.aborted) {
      if (tokens.length === 0) {
        throw cancelled();
      }
      return finish('cancelled');
    }
    const id = planned[i];
    if (id === undefined || id === tokenizer.endOfText) {
      released += pending;
      return finish('end_of_text');
    }
    if (stop.has(id)) {
      released += pending;
      return finish('stop_token');
    }
    timeline.evaluated = timeline.tokens.length; // the token before this one is evaluated to get here
    timeline.tokens.push(id);
    tokens.push(id);
    pending += tokenizer.text(id);
    const at = findStop(pending, stopStrings);
    const length = at >= 0 ? at : pending.length - heldBack(pending, stopStrings);
    const text = pending.slice(0, length);
    pending = pending.slice(length);
    released += text;
    onEvent({ kind: 'token', id, text, ...(asked ? { logprob } : {}) });
    if (at >= 0) {
      return finish('stop_string');
    }
  }
}
