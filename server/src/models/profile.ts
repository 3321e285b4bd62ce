/** How to ask a loaded model for completions: everything that differs between models, found out once after loading. */
import type { EnginePort, ModelHandle, ModelInfo, TokenId } from '../engine';
import { contextStyleOf, type FimForm, type StrategyKind } from '../prompt';
import { strategiesOf, type ChosenStrategy, type ModelStrategies } from './strategies';

export interface CompletionProfile {
  readonly strategy: StrategyKind;
  /** Why this one: a sentence. */
  readonly strategyReason: string;
  readonly form: FimForm;
  /** Most lines a suggestion may have where nothing follows the cursor. */
  readonly maxLines: number;
  /**
   * Whether completions use prompt lookup (LookupOptions): with a large model, reading its weights once for several tokens pays.
   * The embedded one is so small, and its suggestions so short, that the gain is lost in the noise.
   */
  readonly lookup: boolean;
  /** Whether the model is asked how likely copies are, a pass or two each: where a pass takes a few milliseconds. */
  readonly judgesCopies: boolean;
  /**
   * The most of the model's context that other files may take where the file itself needs more than there is; 0 = none are shown, however
   * much room there is. See docs/adr/0010 for why.
   */
  readonly contextShare: number;
  /** Tokens that end a completion. */
  readonly stopTokens: readonly TokenId[];
  /** Tokens that have no place in source code: what chat models think and say between turns. */
  readonly banned: readonly TokenId[];
}

const endTexts = [
  '<|endoftext|>',
  '<|fim_prefix|>',
  '<|fim_suffix|>',
  '<|fim_middle|>',
  '<|fim_pad|>',
  '<|repo_name|>',
  '<|file_sep|>',
];

const chatTexts = [
  '<think>',
  '</think>',
  '<tool_call>',
  '</tool_call>',
  '<tool_response>',
  '</tool_response>',
  '<|im_start|>',
  '<|im_end|>',
];

/** What ends a turn of a chat model, by the families that are known. */
const turnEnds = ['<|im_end|>', '<|eot_id|>'];

/** Below this many weights a model writes plausible line ends and little more. */
const weightsForBlocks = 500e6;

const usualContextShare = 1 / 4;
/** A GGUF key for models that were trained otherwise than one would think: a share as text, '0.25'. */
const contextShareKey = 'niwaki.context_share';

function contextShareOf({ metadata, parameters }: ModelInfo): number {
  const own = Number(metadata[contextShareKey] ?? NaN);
  if (own >= 0 && own <= 0.5) {
    return own;
  }
  return parameters < weightsForBlocks ? 0 : usualContextShare;
}

/** What is asked of a model once; profiles are made of it whenever its strategy changes. */
export interface ProfileSource {
  readonly strategies: ModelStrategies;
  readonly weights: number;
  /** In forms in which other files have a place. */
  readonly contextShare: number;
  readonly stopTokens: readonly TokenId[];
  readonly turnEnds: readonly TokenId[];
  readonly banned: readonly TokenId[];
}

export async function profileSource(
  engine: EnginePort,
  model: ModelHandle,
  info: ModelInfo,
): Promise<ProfileSource> {
  const find = async (texts: readonly string[]): Promise<TokenId[]> => {
    const ids = await Promise.all(texts.map((text) => engine.findToken(model, text)));
    return ids.filter((id) => id >= 0);
  };
  const stopTokens = new Set(await find(endTexts));
  if (info.eos >= 0) {
    stopTokens.add(info.eos);
  }
  return {
    strategies: await strategiesOf(engine, model, info),
    weights: info.parameters,
    contextShare: contextShareOf(info),
    stopTokens: [...stopTokens],
    turnEnds: await find(turnEnds),
    banned: (await find(chatTexts)).filter((id) => !stopTokens.has(id)),
  };
}

export function profileFor(source: ProfileSource, { strategy, reason }: ChosenStrategy): CompletionProfile {
  const large = source.weights >= weightsForBlocks;
  // A chat model says with the end of its turn that it has done; elsewhere that has no place.
  const stopTokens =
    strategy.kind === 'chat' ? [...new Set([...source.stopTokens, ...source.turnEnds])] : source.stopTokens;
  return {
    strategy: strategy.kind,
    strategyReason: reason,
    form: strategy.form,
    maxLines: large ? 8 : 1,
    lookup: large,
    judgesCopies: !large && strategy.kind !== 'chat',
    contextShare: contextStyleOf(strategy.form) === 'none' ? 0 : source.contextShare,
    stopTokens,
    banned: source.banned.filter((id) => !stopTokens.includes(id)),
  };
}
