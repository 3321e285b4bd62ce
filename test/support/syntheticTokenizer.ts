/**
 * Byte-level BPE vocabularies of any size for synthetic models: the embedded model's own tokens and merges (or just the 256
 * bytes, for tiny vocabularies), filled up with joined pairs of them, each with its merge. So a file with Qwen's vocabulary
 * size costs what a real one costs to load and to hold, and still writes and reads any text.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random } from './random';

const embeddedModel = join(__dirname, '..', '..', 'models', 'nano.gguf');

/** tokenizer.ggml.token_type */
export const tokenType = { normal: 1, control: 3, userDefined: 4 } as const;

export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly merges: readonly string[];
}

/** Ids 0 to 8 of every vocabulary here, as in the embedded model. */
export const controlTokens = [
  '<|endoftext|>',
  '<|fim_prefix|>',
  '<|fim_suffix|>',
  '<|fim_middle|>',
  '<|fim_pad|>',
  '<|repo_name|>',
  '<|file_sep|>',
  '<|im_start|>',
  '<|im_end|>',
] as const;

/** Tokens of Qwen3 that the embedded model lacks: a product that bans them needs files that have them. */
const qwenTokens = [
  '<tool_call>',
  '</tool_call>',
  '<tool_response>',
  '</tool_response>',
  '<think>',
  '</think>',
];

/** GPT-2's printable stand-ins for the 256 bytes. */
export function byteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** Just enough of a GGUF reader to copy the tokenizer's three arrays. */
function readVocabulary(path: string): Vocabulary {
  const file = readFileSync(path);
  let at = 8;
  const u32 = (): number => {
    at += 4;
    return file.readUInt32LE(at - 4);
  };
  const u64 = (): number => {
    at += 8;
    return Number(file.readBigUInt64LE(at - 8));
  };
  const text = (): string => {
    const length = u64();
    at += length;
    return file.toString('utf8', at - length, at);
  };
  const scalarBytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
  const value = (type: number): unknown => {
    if (type === 8) {
      return text();
    }
    if (type === 9) {
      const element = u32();
      return Array.from({ length: u64() }, () => value(element));
    }
    const start = at;
    at += scalarBytes[type] as number;
    return type === 5 ? file.readInt32LE(start) : undefined;
  };
  u64(); // tensors
  const entries = new Map<string, unknown>();
  for (let left = u64(); left > 0; left -= 1) {
    const key = text();
    entries.set(key, value(u32()));
  }
  return {
    tokens: entries.get('tokenizer.ggml.tokens') as string[],
    types: entries.get('tokenizer.ggml.token_type') as number[],
    merges: entries.get('tokenizer.ggml.merges') as string[],
  };
}

function byteVocabulary(): Vocabulary {
  const tokens = [...controlTokens, ...byteAlphabet()];
  return {
    tokens,
    types: tokens.map((_, id) => (id < controlTokens.length ? tokenType.control : tokenType.normal)),
    merges: [],
  };
}

/** A vocabulary of exactly `size` tokens. */
export function makeVocabulary(size: number, random: Random): Vocabulary {
  const embedded = readVocabulary(embeddedModel);
  const base = size >= embedded.tokens.length + qwenTokens.length ? embedded : byteVocabulary();
  if (size < base.tokens.length) {
    throw new Error(
      `A vocabulary of ${String(size)} tokens cannot hold the 256 bytes and the control tokens.`,
    );
  }
  const tokens = [...base.tokens];
  const types = [...base.types];
  const merges = [...base.merges];
  if (base === embedded) {
    tokens.push(...qwenTokens);
    types.push(...qwenTokens.map(() => tokenType.userDefined));
  }
  // Short parts only, so that the texts are about as long as a real vocabulary's.
  const parts = base.tokens.filter((token, id) => base.types[id] === tokenType.normal && token.length <= 4);
  const known = new Set(tokens);
  while (tokens.length < size) {
    const left = parts[random.below(parts.length)] as string;
    const right = parts[random.below(parts.length)] as string;
    const joined = left + right;
    if (!known.has(joined)) {
      known.add(joined);
      tokens.push(joined);
      types.push(tokenType.normal);
      merges.push(`${left} ${right}`);
    }
  }
  return { tokens, types, merges };
}
