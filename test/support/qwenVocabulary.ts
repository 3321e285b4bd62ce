/**
 * Qwen's whole vocabulary for synthetic models, from a folder with qwen.tiktoken (one "base64(bytes) rank" a line, 151,643 lines) that
 * NIWAKI_TOKENIZER_DATA names, else ../shared/data/tokenizer. It is not part of the repository; without it, there is none.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GgufOptions, type MetadataValue, shapes, writeGguf } from './ggufWriter';
import { Random } from './random';
import { byteAlphabet, makeVocabulary, tokenType, type Vocabulary } from './syntheticTokenizer';

/** Ids from 151,643 on. */
const added: readonly (readonly [text: string, type: number])[] = [
  ...[
    ...['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|object_ref_start|>', '<|object_ref_end|>'],
    ...['<|box_start|>', '<|box_end|>', '<|quad_start|>', '<|quad_end|>', '<|vision_start|>'],
    ...['<|vision_end|>', '<|vision_pad|>', '<|image_pad|>', '<|video_pad|>'],
  ].map((text) => [text, tokenType.control] as const),
  ['<tool_call>', tokenType.userDefined],
  ['</tool_call>', tokenType.userDefined],
  ...[
    ...['<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
  ].map((text) => [text, tokenType.control] as const),
  ['<tool_response>', tokenType.userDefined],
  ['</tool_response>', tokenType.userDefined],
  ['<think>', tokenType.userDefined],
  ['</think>', tokenType.userDefined],
];

/** Control tokens of other families: behind Qwen's, so that their templates mean something, too. */
export const otherFamilies = [
  ...['<|begin_of_text|>', '<|end_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
  ...['<|eom_id|>', '<|python_tag|>', '<|finetune_right_pad_id|>', '<s>', '</s>', '[INST]', '[/INST]'],
  ...['<start_of_turn>', '<end_of_turn>', '<｜User｜>', '<｜Assistant｜>', '<｜begin▁of▁sentence｜>'],
  ...['<|start|>', '<|channel|>', '<|message|>', '<|return|>', '<|end|>'],
];

export function qwenFile(): string | undefined {
  const folder =
    process.env['NIWAKI_TOKENIZER_DATA'] ?? join(__dirname, '..', '..', '..', 'shared', 'data', 'tokenizer');
  const path = join(folder, 'qwen.tiktoken');
  return existsSync(path) ? path : undefined;
}

/** What `token` is made of when only tokens of lower rank may be built: two parts, for one that a merge makes. */
function partsOf(ranks: ReadonlyMap<string, number>, token: string, rank: number): string[] {
  const parts = token.split('');
  while (parts.length > 2) {
    let best = -1;
    let lowest = rank;
    for (let i = 0; i + 1 < parts.length; i += 1) {
      const found = ranks.get(`${parts[i] ?? ''}${parts[i + 1] ?? ''}`);
      if (found !== undefined && found < lowest) {
        lowest = found;
        best = i;
      }
    }
    if (best < 0) {
      break;
    }
    parts.splice(best, 2, `${parts[best] ?? ''}${parts[best + 1] ?? ''}`);
  }
  return parts;
}

function readQwen(path: string): Vocabulary {
  const alphabet = byteAlphabet();
  const tokens: string[] = [];
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    const [encoded = '', rank = ''] = line.split(' ');
    if (rank !== '') {
      tokens[Number(rank)] = Array.from(Buffer.from(encoded, 'base64'), (byte) => alphabet[byte]).join('');
    }
  }
  const ranks = new Map(tokens.map((token, rank) => [token, rank]));
  const merges: string[] = [];
  tokens.forEach((token, rank) => {
    const parts = token.length > 1 ? partsOf(ranks, token, rank) : [];
    if (parts.length === 2) {
      merges.push(parts.join(' '));
    }
  });
  return { tokens, types: tokens.map(() => tokenType.normal), merges };
}

/** Qwen's vocabulary, or where it is not at hand a synthetic one with the same added tokens, and behind it those of other families. */
export function familiesVocabulary(): Vocabulary & { readonly real: boolean } {
  const path = qwenFile();
  const base = path === undefined ? makeVocabulary(2000, new Random(1)) : readQwen(path);
  const known = new Set(base.tokens);
  const more = [...added, ...otherFamilies.map((text) => [text, tokenType.control] as const)].filter(
    ([text]) => !known.has(text),
  );
  return {
    real: path !== undefined,
    tokens: [...base.tokens, ...more.map(([text]) => text)],
    types: [...base.types, ...more.map(([, type]) => type)],
    merges: base.merges,
  };
}

/** Writes a small random model that has this vocabulary. */
export function writeFamiliesModel(
  path: string,
  vocabulary: Vocabulary,
  metadata: GgufOptions['metadata'] = {},
): void {
  const id = (text: string): MetadataValue => ({ u32: vocabulary.tokens.indexOf(text) });
  writeGguf(path, {
    shape: { ...shapes.tiny, vocabulary: vocabulary.tokens.length, context: 32_768 },
    metadata: {
      'tokenizer.ggml.tokens': { strings: vocabulary.tokens },
      'tokenizer.ggml.token_type': { i32s: vocabulary.types },
      'tokenizer.ggml.merges': { strings: vocabulary.merges },
      'tokenizer.ggml.bos_token_id': id('<|endoftext|>'),
      'tokenizer.ggml.eos_token_id': id('<|im_end|>'),
      'tokenizer.ggml.padding_token_id': id('<|endoftext|>'),
      ...metadata,
    },
  });
}
