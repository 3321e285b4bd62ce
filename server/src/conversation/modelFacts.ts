/** What is known about a model besides its template: how it is best sampled, and what ends its turn. */
import type { EnginePort, ModelHandle, ModelInfo, SamplingOptions, TokenId } from '../engine';

/** Recommendations of the models' makers, the most special first. */
const families: readonly { readonly name: RegExp; readonly sampling: SamplingOptions }[] = [
  { name: /bonsai/i, sampling: { temperature: 0.5, topP: 0.85, topK: 20 } },
  { name: /qwen-?3/i, sampling: { temperature: 0.7, topP: 0.8, topK: 20 } },
  { name: /qwen/i, sampling: { temperature: 0.7, topP: 0.8, topK: 20, repetitionPenalty: 1.05 } },
  { name: /llama/i, sampling: { temperature: 0.6, topP: 0.9 } },
];
const usual: SamplingOptions = { temperature: 0.7, topP: 0.9, topK: 40 };

/** What a file itself recommends (GGUF keys `general.sampling.*`). */
const own: readonly {
  readonly key: string;
  readonly option: 'temperature' | 'topK' | 'topP' | 'minP';
  readonly most: number;
}[] = [
  { key: 'general.sampling.temp', option: 'temperature', most: 2 },
  { key: 'general.sampling.top_k', option: 'topK', most: 1000 },
  { key: 'general.sampling.top_p', option: 'topP', most: 1 },
  { key: 'general.sampling.min_p', option: 'minP', most: 1 },
];

/** Defaults: the file's own, else its family's. */
export function samplingFor({ name, architecture, metadata }: ModelInfo): SamplingOptions {
  const names = [name, metadata['general.basename'] ?? '', metadata['general.name'] ?? '', architecture];
  // The first name that says something counts: a Bonsai's architecture is its parent's.
  const family = families.find((entry) => names.some((text) => entry.name.test(text)));
  const said = own.flatMap(({ key, option, most }) => {
    const value = Number(metadata[key] ?? NaN);
    return value >= 0 && value <= most ? [[option, value] as const] : [];
  });
  return { ...(family?.sampling ?? usual), ...Object.fromEntries(said) };
}

/** Ids in a file's header that end a turn or a text. */
const endKeys = ['eos', 'eot', 'eom'].map((name) => `tokenizer.ggml.${name}_token_id`);
/** Where a header names one end only, vocabularies of known families have more. */
const endTexts = [
  '<|endoftext|>',
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end_of_text|>',
  '<|end|>',
  '<|return|>',
  '<end_of_turn>',
  '</s>',
  '<｜end▁of▁sentence｜>',
];

/** Control tokens alone: a word that users write, too, ends nothing. `turnEnds`: what the template itself ends an answer with. */
export async function stopTokensFor(
  engine: EnginePort,
  model: ModelHandle,
  info: ModelInfo,
  turnEnds: readonly string[],
): Promise<readonly TokenId[]> {
  const specials = await engine.specialTokens(model);
  const ids = new Set<TokenId>();
  for (const id of [info.eos, ...endKeys.map((key) => Number(info.metadata[key] ?? NaN))]) {
    if (Number.isInteger(id) && id >= 0 && id < info.vocabSize) {
      ids.add(id);
    }
  }
  for (const { id, text, inAllText } of specials) {
    if (!inAllText && (endTexts.includes(text) || turnEnds.includes(text))) {
      ids.add(id);
    }
  }
  return [...ids].sort((a, b) => a - b);
}
