/** How to ask a loaded model for completions: everything that differs between models, found out once after loading. */
import type { EnginePort, ModelHandle, ModelInfo, TokenId } from '../engine';
import { fimFormOf, type FimForm } from '../prompt';

export interface CompletionProfile {
  readonly form: FimForm;
  /** Most lines a suggestion may have where nothing follows the cursor. */
  readonly maxLines: number;
  /**
   * Whether completions use prompt lookup (LookupOptions): with a large model, reading its weights once for several tokens pays.
   * The embedded one is so small, and its suggestions so short, that the gain is lost in the noise.
   */
  readonly lookup: boolean;
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

/** Below this many weights a model writes plausible line ends and little more. */
const weightsForBlocks = 500e6;

export async function completionProfile(
  engine: EnginePort,
  model: ModelHandle,
  info: ModelInfo,
): Promise<CompletionProfile> {
  const find = async (texts: readonly string[]): Promise<TokenId[]> => {
    const ids = await Promise.all(texts.map((text) => engine.findToken(model, text)));
    return ids.filter((id) => id >= 0);
  };
  const stopTokens = new Set(await find(endTexts));
  if (info.eos >= 0) {
    stopTokens.add(info.eos);
  }
  return {
    form: fimFormOf(info.metadata),
    maxLines: info.parameters < weightsForBlocks ? 1 : 8,
    lookup: info.parameters >= weightsForBlocks,
    stopTokens: [...stopTokens],
    banned: (await find(chatTexts)).filter((id) => !stopTokens.has(id)),
  };
}
