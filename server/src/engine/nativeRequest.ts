/** The port's requests in the form that the addon takes: every field there, numbers in typed arrays. */
import type { NativeCalibrateRequest, NativeKvRequest, NativeMeasureRequest, NativeRequest } from './binding';
import { invalidArgument } from './errors';
import { toProgram } from './guide/program';
import {
  Priority,
  type CalibrateKvRequest,
  type Constraint,
  type GenerateRequest,
  type MeasureKvRequest,
  type SamplingOptions,
  type TokenId,
} from './port';

const maxTokenId = 2 ** 31 - 1;
const defaultPenaltyWindow = 64;
const defaultLookup = { maxDraft: 15, minNgram: 2 };

/** Token ids in the form that the addon takes. */
export function toIds(tokens: readonly TokenId[], what: string): Int32Array {
  const ids = new Int32Array(tokens.length);
  for (let i = 0; i < tokens.length; i += 1) {
    const id = tokens[i] as number;
    if (!Number.isInteger(id) || id < 0 || id > maxTokenId) {
      throw invalidArgument(`${what}[${String(i)}] is ${String(id)}, which is no token id.`);
    }
    ids[i] = id;
  }
  return ids;
}

/** Array.from takes ten times as long, milliseconds for a large file. */
export function fromIds(ids: Int32Array): TokenId[] {
  const tokens = new Array<TokenId>(ids.length);
  for (let i = 0; i < ids.length; i += 1) {
    tokens[i] = ids[i] as TokenId;
  }
  return tokens;
}

/** The mask's words in the form that the addon takes, which would cut off what does not fit. */
function toWords(words: readonly number[]): Int32Array {
  words.forEach((word, i) => {
    if (!Number.isInteger(word) || word < -(2 ** 31) || word >= 2 ** 32) {
      throw invalidArgument(`allowed[${String(i)}] is ${String(word)}, which is no word of 32 bits.`);
    }
  });
  return Int32Array.from(words, (word) => word | 0);
}

/** The engine would ignore a bias of a token that the model has not got. */
function checkBias(bias: NonNullable<SamplingOptions['logitBias']>, vocabSize: number): void {
  const unknown = bias.find(({ id }) => id >= vocabSize);
  if (unknown !== undefined) {
    throw invalidArgument(
      `logitBias names the token ${String(unknown.id)}; this model has the tokens 0 to ${String(vocabSize - 1)}.`,
    );
  }
}

/** A constraint says nothing of a prompt that is only evaluated. */
export function isGuided(
  request: GenerateRequest,
): request is GenerateRequest & { readonly constraint: Constraint } {
  return request.constraint !== undefined && request.maxTokens > 0;
}

export function toNativeRequest(request: GenerateRequest, vocabSize: number): NativeRequest {
  const sampling = request.sampling ?? {};
  checkBias(sampling.logitBias ?? [], vocabSize);
  return {
    job: request.job,
    priority: request.priority,
    tokens: toIds(request.tokens, 'tokens'),
    maxTokens: request.maxTokens,
    temperature: sampling.temperature ?? 0,
    topK: sampling.topK ?? 0,
    topP: sampling.topP ?? 1,
    minP: sampling.minP ?? 0,
    seed: sampling.seed ?? 0,
    banned: toIds(sampling.banned ?? [], 'banned'),
    biasTokens: toIds(
      (sampling.logitBias ?? []).map(({ id }) => id),
      'logitBias',
    ),
    biasValues: Float32Array.from(sampling.logitBias ?? [], ({ bias }) => bias),
    repetitionPenalty: sampling.repetitionPenalty ?? 1,
    frequencyPenalty: sampling.frequencyPenalty ?? 0,
    presencePenalty: sampling.presencePenalty ?? 0,
    penaltyWindow: sampling.penaltyWindow ?? defaultPenaltyWindow,
    allowed: toWords(sampling.allowed ?? []),
    logprobs: sampling.logprobs ?? false,
    topLogprobs: sampling.topLogprobs ?? 0,
    lookupDraft: request.lookup === undefined ? 0 : (request.lookup.maxDraft ?? defaultLookup.maxDraft),
    lookupNgram: request.lookup?.minNgram ?? defaultLookup.minNgram,
    expected: toIds(request.lookup?.expected ?? [], 'lookup.expected'),
    forced: toIds(request.forced ?? [], 'forced'),
    stopTokens: toIds(request.stopTokens ?? [], 'stopTokens'),
    stopStrings: request.stopStrings ?? [],
    requiredPrefix: request.requiredPrefix ?? '',
    guide: isGuided(request) ? toProgram(request.constraint) : '',
    threads: request.threads ?? 0,
    shift: request.shift ?? false,
  };
}

const defaultStep = 16;

function toNativeKvRequest(request: CalibrateKvRequest | MeasureKvRequest): NativeKvRequest {
  return {
    job: request.job,
    priority: request.priority ?? Priority.background,
    tokens: toIds(request.tokens, 'tokens'),
    threads: request.threads ?? 0,
  };
}

export function toNativeCalibrateRequest(request: CalibrateKvRequest): NativeCalibrateRequest {
  return { ...toNativeKvRequest(request), careful: request.careful ?? false };
}

export function toNativeMeasureRequest(request: MeasureKvRequest): NativeMeasureRequest {
  return { ...toNativeKvRequest(request), codec: request.codec, step: request.step ?? defaultStep };
}
