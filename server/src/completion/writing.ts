/** One run of the model for a completion: what it writes, until that is enough, and how sure it was of the first line. */
import {
  cancelled,
  Priority,
  type EnginePort,
  type EngineSession,
  type GenerateResult,
  type LookupOptions,
  type TokenId,
} from '../engine';
import type { LoadedModel } from '../models';
import { readAnswer, type AnswerPlace } from '../prompt';
import type { Effort } from './effort';
import { cutAtEnd, type LinePolicy } from './lines';
import type { BuiltPrompt } from './promptBuilder';
import { mostJudged, type Proposals } from './proposals';

export interface WritingJob {
  readonly model: LoadedModel;
  readonly prompt: BuiltPrompt;
  readonly effort: Effort;
  readonly maxTokens: number;
  readonly policy: LinePolicy;
  /** Whether a text that is still being written has come to an end by its syntax. */
  readonly isComplete: (text: string) => boolean;
  readonly place: AnswerPlace;
  readonly signal: AbortSignal;
  /** How somebody else expects the line to go on: '' = nobody does. Only a matter of time: what is written is the model's own. */
  readonly expected: string;
  /** Absent = what the model finds likeliest; a number = something else, another one for each. */
  readonly variant?: number;
}

/** High enough that another text comes, low enough that it is one the model might have chosen. */
const variantTemperature = 0.9;

export interface WrittenText {
  readonly result: GenerateResult;
  /** With what was asked for again (token healing) at its beginning. */
  readonly text: string;
  /** Natural logarithms of the probabilities of the first line's tokens, its end included. */
  readonly likelihood: readonly number[];
}

/**
 * Prompt lookup finds what the prompt has; a copy may come from another file, or have had its names changed. Undefined = this model is
 * quicker without.
 */
async function lookupFor(
  engine: EnginePort,
  { model, prompt, expected, variant }: WritingJob,
): Promise<LookupOptions | undefined> {
  if (!model.profile.lookup) {
    return undefined;
  }
  return expected === '' || variant !== undefined
    ? {}
    : { expected: await engine.tokenize(model.handle, `${prompt.healed}${expected}\n`, false) };
}

export async function write(
  engine: EnginePort,
  session: EngineSession,
  job: WritingJob,
): Promise<WrittenText> {
  const { model, prompt, effort, maxTokens, policy, place, signal } = job;
  const { strategy, banned, stopTokens } = model.profile;
  const lookup = await lookupFor(engine, job);
  const chance =
    job.variant === undefined ? {} : { temperature: variantTemperature, topP: 0.95, seed: job.variant };
  const ending = new AbortController();
  const likelihood: number[] = [];
  let written = '';
  let decided: string | undefined;
  const result = await session.generate(
    {
      priority: Priority.keystroke,
      tokens: prompt.tokens,
      maxTokens,
      sampling: { banned, logprobs: true, ...chance },
      stopTokens,
      // The engine stops by itself where that is sure to be right; a dropped line break would set it off at once.
      stopStrings: policy.maxLines === 1 && !prompt.healed.includes('\n') ? ['\n'] : [],
      requiredPrefix: prompt.healed,
      ...(lookup && { lookup }),
      threads: Math.ceil(model.info.threads * effort.threadShare),
      shift: true,
    },
    {
      signal: AbortSignal.any([signal, ending.signal]),
      onEvent: (event) => {
        if (event.kind !== 'token' || decided !== undefined) {
          return;
        }
        if (event.logprob !== undefined && !written.slice(prompt.healed.length).includes('\n')) {
          likelihood.push(event.logprob);
        }
        written += event.text;
        const read = readAnswer(strategy, written.slice(prompt.healed.length), place, false);
        if (read.ended || cutAtEnd(read.text, policy).ended || job.isComplete(read.text)) {
          // What the engine still writes until it hears of it must make no difference.
          decided = written;
          ending.abort();
        }
      },
    },
  );
  return { result, text: decided ?? result.text, likelihood };
}

/** Tokens of a copy that the model is asked about: two passes. */
const mostForced = 32;

/**
 * How likely the model finds `text` behind the prompt: natural logarithms, a token each, of what the text's beginning has. `tokens` are
 * those of the text with what was healed before it and the line break behind it.
 */
async function likelihoodOf(
  session: EngineSession,
  { model, prompt, effort, signal }: Pick<WritingJob, 'model' | 'prompt' | 'effort' | 'signal'>,
  tokens: readonly TokenId[],
): Promise<readonly number[]> {
  const forced = tokens.slice(0, mostForced);
  const likelihood: number[] = [];
  await session.generate(
    {
      priority: Priority.keystroke,
      tokens: prompt.tokens,
      maxTokens: forced.length,
      sampling: { logprobs: true },
      forced,
      threads: Math.ceil(model.info.threads * effort.threadShare),
      shift: true,
    },
    {
      signal,
      onEvent: (event) => {
        if (event.kind === 'token' && event.logprob !== undefined) {
          likelihood.push(event.logprob);
        }
      },
    },
  );
  return likelihood;
}

/** Asks the model about the likeliest copies, where that is quick. Rejects as cancelled when the job's signal aborts. */
export async function judgeCopies(
  engine: EnginePort,
  session: EngineSession,
  job: WritingJob,
  proposals: Proposals,
): Promise<void> {
  const { model, prompt, signal } = job;
  for (const text of model.profile.judgesCopies ? proposals.toJudge(mostJudged) : []) {
    const tokens = await engine.tokenize(model.handle, `${prompt.healed}${text}\n`, false);
    proposals.judge(text, await likelihoodOf(session, job, tokens));
    if (signal.aborted) {
      throw cancelled();
    }
  }
}
