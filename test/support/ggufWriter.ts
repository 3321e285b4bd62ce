/**
 * Writes synthetic GGUF files: random weights in the real on-disk layout, any Qwen3 shape, a working tokenizer. What they say is
 * noise, but they load, run and cost what a real file of that shape does.
 *
 *   npx tsx test/support/ggufWriter.ts --shape qwen3-1.7B [--layers N] [--type Q1_0|Q8_0|BF16|F16|F32]
 *     [--embedding-type ...] [--seed N] OUT.gguf
 *
 * The tensors' bytes come from one buffer of random blocks, written again and again from varying offsets: an 8B file takes
 * about as long as copying it, and no more memory than a small one.
 */
import { closeSync, openSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from './random';
import { makeVocabulary } from './syntheticTokenizer';

export interface Shape {
  readonly layers: number;
  readonly embedding: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly ropeBase: number;
  /** The output head is the embedding. */
  readonly tied: boolean;
}

const qwen3 = { layers: 36, heads: 32, kvHeads: 8, headSize: 128, context: 32_768, ropeBase: 1e6 };
/**
 * Qwen3's sizes. The vocabularies are 151,669 (the Bonsai files: no multiple of the engine's 32-row panels) and 151,936
 * (Qwen's own, padded).
 */
export const shapes = {
  'qwen3-1.7B': {
    ...qwen3,
    ...{ layers: 28, embedding: 2048, feedForward: 6144, heads: 16, vocabulary: 151_669, tied: true },
  },
  'qwen3-4B': { ...qwen3, embedding: 2560, feedForward: 9728, vocabulary: 151_936, tied: true },
  'qwen3-8B': { ...qwen3, embedding: 4096, feedForward: 12_288, vocabulary: 151_669, tied: false },
  /** For tests that only need some model: a quarter of a megabyte, a vocabulary of bytes and pairs. */
  tiny: {
    ...{ layers: 2, embedding: 256, feedForward: 512, heads: 4, kvHeads: 2, headSize: 64 },
    ...{ vocabulary: 1000, context: 512, ropeBase: 1e5, tied: false },
  },
} as const satisfies Record<string, Shape>;
export type ShapeName = keyof typeof shapes;

export type TensorTypeName = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q1_0';
/**
 * `ggml_type` ids, and what a block of each holds. Of random bits, `kept` and `set` make a 16-bit scale or value of a sane size:
 * blocks begin with their scale, which is positive (and smaller in Q8_0, whose bytes are large).
 */
const tensorTypes = {
  F32: { id: 0, weights: 1, bytes: 4, kept: 0x80ff, set: 0x3c00 },
  F16: { id: 1, weights: 1, bytes: 2, kept: 0x87ff, set: 0x2000 },
  Q8_0: { id: 8, weights: 32, bytes: 34, kept: 0x07ff, set: 0x0800 },
  BF16: { id: 30, weights: 1, bytes: 2, kept: 0x80ff, set: 0x3c00 },
  Q1_0: { id: 41, weights: 128, bytes: 18, kept: 0x07ff, set: 0x2000 },
} as const;

/** GGUF's value types that are written here. */
const valueTypes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
export type MetadataValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly i32s: readonly number[] };

export interface GgufOptions {
  readonly shape: Shape;
  /** Of the matrices; norms are always F32. */
  readonly type?: TensorTypeName;
  /** Of the embedding and an output head of its own, when it differs. */
  readonly embeddingType?: TensorTypeName;
  readonly seed?: number;
  readonly version?: 2 | 3;
  readonly name?: string;
  /** Added to the usual metadata, or in place of it; undefined leaves a key out. */
  readonly metadata?: Readonly<Record<string, MetadataValue | undefined>>;
}

export interface GgufSummary {
  readonly fileBytes: number;
  /** Without header, metadata and padding. */
  readonly tensorBytes: number;
  readonly parameters: number;
}

const alignment = 32;
const padded = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** A buffer that grows, little-endian. */
class Bytes {
  private buffer = Buffer.alloc(1 << 20);
  length = 0;

  private room(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.buffer.length) {
      this.buffer = Buffer.concat([this.buffer], Math.max(this.length, this.buffer.length * 2));
    }
    return at;
  }
  u32(value: number): void {
    const at = this.room(4); // before `buffer` is looked at: it may move
    this.buffer.writeUInt32LE(value, at);
  }
  i32(value: number): void {
    const at = this.room(4);
    this.buffer.writeInt32LE(value, at);
  }
  f32(value: number): void {
    const at = this.room(4);
    this.buffer.writeFloatLE(value, at);
  }
  u64(value: number): void {
    const at = this.room(8);
    this.buffer.writeBigUInt64LE(BigInt(value), at);
  }
  u8(value: number): void {
    const at = this.room(1);
    this.buffer.writeUInt8(value, at);
  }
  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.u64(length);
    const at = this.room(length);
    this.buffer.write(value, at);
  }
  pad(): void {
    this.room(padded(this.length) - this.length);
  }
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
}

function writeValue(out: Bytes, value: MetadataValue): void {
  if ('u32' in value) {
    out.u32(valueTypes.u32);
    out.u32(value.u32);
  } else if ('f32' in value) {
    out.u32(valueTypes.f32);
    out.f32(value.f32);
  } else if ('bool' in value) {
    out.u32(valueTypes.bool);
    out.u8(value.bool ? 1 : 0);
  } else if ('string' in value) {
    out.u32(valueTypes.string);
    out.string(value.string);
  } else if ('strings' in value) {
    out.u32(valueTypes.array);
    out.u32(valueTypes.string);
    out.u64(value.strings.length);
    value.strings.forEach((text) => {
      out.string(text);
    });
  } else {
    out.u32(valueTypes.array);
    out.u32(valueTypes.i32);
    out.u64(value.i32s.length);
    value.i32s.forEach((item) => {
      out.i32(item);
    });
  }
}

interface Tensor {
  readonly name: string;
  readonly type: TensorTypeName;
  /** Inner dimension first. */
  readonly shape: readonly number[];
}

function elements(tensor: Tensor): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}

function tensorBytes(tensor: Tensor): number {
  const { weights, bytes } = tensorTypes[tensor.type];
  if ((tensor.shape[0] as number) % weights !== 0) {
    throw new Error(`The rows of ${tensor.name} are no multiple of ${String(weights)} weights.`);
  }
  return (elements(tensor) / weights) * bytes;
}

function listTensors(shape: Shape, type: TensorTypeName, embeddingType: TensorTypeName): Tensor[] {
  const { embedding: d, feedForward: ff } = shape;
  const q = shape.heads * shape.headSize;
  const kv = shape.kvHeads * shape.headSize;
  const matrix = (name: string, inner: number, rows: number, ofType = type): Tensor => {
    return { name, type: ofType, shape: [inner, rows] };
  };
  const norm = (name: string, size: number): Tensor => ({ name, type: 'F32', shape: [size] });
  const layer = (n: number): Tensor[] => {
    const b = `blk.${String(n)}.`;
    return [
      norm(`${b}attn_norm.weight`, d),
      matrix(`${b}attn_q.weight`, d, q),
      matrix(`${b}attn_k.weight`, d, kv),
      matrix(`${b}attn_v.weight`, d, kv),
      norm(`${b}attn_q_norm.weight`, shape.headSize),
      norm(`${b}attn_k_norm.weight`, shape.headSize),
      matrix(`${b}attn_output.weight`, q, d),
      norm(`${b}ffn_norm.weight`, d),
      matrix(`${b}ffn_gate.weight`, d, ff),
      matrix(`${b}ffn_up.weight`, d, ff),
      matrix(`${b}ffn_down.weight`, ff, d),
    ];
  };
  return [
    matrix('token_embd.weight', d, shape.vocabulary, embeddingType),
    norm('output_norm.weight', d),
    ...Array.from({ length: shape.layers }, (_, n) => layer(n)).flat(),
    ...(shape.tied ? [] : [matrix('output.weight', d, shape.vocabulary, embeddingType)]),
  ];
}

function listMetadata(options: GgufOptions, random: Random): [string, MetadataValue][] {
  const { shape } = options;
  const vocabulary = makeVocabulary(shape.vocabulary, random);
  const usual: Record<string, MetadataValue | undefined> = {
    'general.architecture': { string: 'qwen3' },
    'general.name': { string: options.name ?? 'synthetic' },
    'general.alignment': { u32: alignment },
    'qwen3.context_length': { u32: shape.context },
    'qwen3.embedding_length': { u32: shape.embedding },
    'qwen3.block_count': { u32: shape.layers },
    'qwen3.feed_forward_length': { u32: shape.feedForward },
    'qwen3.attention.head_count': { u32: shape.heads },
    'qwen3.attention.head_count_kv': { u32: shape.kvHeads },
    'qwen3.attention.key_length': { u32: shape.headSize },
    'qwen3.attention.value_length': { u32: shape.headSize },
    'qwen3.attention.layer_norm_rms_epsilon': { f32: 1e-6 },
    'qwen3.rope.freq_base': { f32: shape.ropeBase },
    'tokenizer.ggml.model': { string: 'gpt2' },
    'tokenizer.ggml.pre': { string: 'qwen2' },
    'tokenizer.ggml.tokens': { strings: vocabulary.tokens },
    'tokenizer.ggml.token_type': { i32s: vocabulary.types },
    'tokenizer.ggml.merges': { strings: vocabulary.merges },
    'tokenizer.ggml.bos_token_id': { u32: 0 },
    'tokenizer.ggml.eos_token_id': { u32: 0 },
    'tokenizer.ggml.padding_token_id': { u32: 4 },
    'tokenizer.ggml.add_bos_token': { bool: false },
  };
  return Object.entries({ ...usual, ...options.metadata }).filter(
    (entry): entry is [string, MetadataValue] => entry[1] !== undefined,
  );
}

/** Common multiple of all block sizes, so that one pool serves every type; about 32 MB. */
const poolBytes = 4 * 9 * 17 * 54_824;

/** Random blocks whose scales (or values) are of a size that keeps every layer's output near 1: magnitudes 1/128 to 1/32. */
function makePool(type: TensorTypeName, random: Random): Buffer {
  const words = new Uint32Array(poolBytes / 4);
  random.fill(words);
  const halves = new Uint16Array(words.buffer);
  const { bytes, kept, set } = tensorTypes[type];
  // The upper half of F32 is a BF16.
  for (let i = type === 'F32' ? 1 : 0; i < halves.length; i += bytes / 2) {
    halves[i] = ((halves[i] as number) & kept) | set;
  }
  return Buffer.from(words.buffer);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(file, bytes, at);
  }
}

function writeTensor(file: number, tensor: Tensor, pool: Buffer, random: Random): void {
  const bytes = tensorBytes(tensor);
  if (tensor.shape.length === 1) {
    const gains = Float32Array.from({ length: elements(tensor) }, () => 0.75 + random.below(512) / 1024);
    writeAll(file, new Uint8Array(gains.buffer));
  } else {
    const block = tensorTypes[tensor.type].bytes;
    for (let left = bytes; left > 0;) {
      // From somewhere in the first half, so that each write is a large one.
      const from = random.below(pool.length / 2 / block) * block;
      const count = Math.min(left, pool.length - from);
      writeAll(file, pool.subarray(from, from + count));
      left -= count;
    }
  }
  writeAll(file, Buffer.alloc(padded(bytes) - bytes));
}

/** A disk that is full halfway leaves a torn file and a bare ENOSPC. */
function checkRoom(path: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(resolve(path)));
  const megabytes = (size: number): string => `${String(Math.ceil(size / 1e6))} MB`;
  if (bavail * bsize < bytes) {
    throw new Error(
      `${path} takes ${megabytes(bytes)}, but its disk has ${megabytes(bavail * bsize)} left. Make room first.`,
    );
  }
}

export function writeGguf(path: string, options: GgufOptions): GgufSummary {
  const random = new Random(options.seed ?? 1);
  const type = options.type ?? 'Q1_0';
  const embeddingType = options.embeddingType ?? type;
  const tensors = listTensors(options.shape, type, embeddingType);
  const metadata = listMetadata(options, random);

  const header = new Bytes();
  header.u32(0x46554747); // "GGUF"
  header.u32(options.version ?? 3);
  header.u64(tensors.length);
  header.u64(metadata.length);
  for (const [key, value] of metadata) {
    header.string(key);
    writeValue(header, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    header.string(tensor.name);
    header.u32(tensor.shape.length);
    tensor.shape.forEach((size) => {
      header.u64(size);
    });
    header.u32(tensorTypes[tensor.type].id);
    header.u64(offset);
    offset += padded(tensorBytes(tensor));
  }
  header.pad();
  checkRoom(path, header.length + offset);

  const pool = makePool(type, random);
  const embeddingPool = embeddingType === type ? pool : makePool(embeddingType, random);
  const file = openSync(path, 'w');
  try {
    writeAll(file, header.view());
    for (const tensor of tensors) {
      writeTensor(file, tensor, tensor.type === type ? pool : embeddingPool, random);
    }
  } finally {
    closeSync(file);
  }
  return {
    fileBytes: statSync(path).size,
    tensorBytes: tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0),
    parameters: tensors.reduce((sum, tensor) => sum + elements(tensor), 0),
  };
}

/** A preset, perhaps with fewer layers. */
export function shapeNamed(name: string, layers?: number): Shape {
  if (!Object.hasOwn(shapes, name)) {
    throw new Error(`There is no shape "${name}"; there are ${Object.keys(shapes).join(', ')}.`);
  }
  const shape = shapes[name as ShapeName];
  return layers === undefined ? shape : { ...shape, layers };
}

function main(): void {
  const { values, positionals } = parseArgs({
    options: {
      shape: { type: 'string' },
      layers: { type: 'string' },
      type: { type: 'string', default: 'Q1_0' },
      'embedding-type': { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
    allowPositionals: true,
  });
  const [path] = positionals;
  const embeddingType = values['embedding-type'] ?? values.type;
  const layers = values.layers === undefined ? undefined : Number(values.layers);
  if (
    path === undefined ||
    positionals.length > 1 ||
    values.shape === undefined ||
    !Object.hasOwn(tensorTypes, values.type) ||
    !Object.hasOwn(tensorTypes, embeddingType) ||
    !Number.isInteger(Number(values.seed)) ||
    (layers !== undefined && !(Number.isInteger(layers) && layers > 0))
  ) {
    console.error(
      `Usage: ggufWriter.ts --shape ${Object.keys(shapes).join('|')} [--layers N] [--type ${Object.keys(tensorTypes).join('|')}] [--embedding-type ...] [--seed N] OUT.gguf`,
    );
    process.exitCode = 2;
    return;
  }
  const summary = writeGguf(path, {
    shape: shapeNamed(values.shape, layers),
    name: `synthetic ${values.shape}`,
    type: values.type as TensorTypeName,
    embeddingType: embeddingType as TensorTypeName,
    seed: Number(values.seed),
  });
  console.log(JSON.stringify(summary));
}

if (require.main === module) {
  main();
}
