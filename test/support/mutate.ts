/**
 * Spoilt copies of a sound GGUF file, the same for the same seed: every field of the header lies once, bits of the header flip,
 * and the file ends early.
 */
import type { Random } from './random';

export interface Mutant {
  /** What was done, for the message of a failed test. */
  readonly what: string;
  readonly bytes: Buffer;
}

type Kind = 'u8' | 'u32' | 'i32' | 'u64' | 'f32';
interface Field {
  readonly what: string;
  readonly at: number;
  readonly kind: Kind;
}

const sizes: Readonly<Record<Kind, number>> = { u8: 1, u32: 4, i32: 4, u64: 8, f32: 4 };
/** GGUF's value types; those that the writer beside this does not use are left out. */
const scalarKinds: Readonly<Partial<Record<number, Kind>>> = {
  4: 'u32',
  5: 'i32',
  6: 'f32',
  7: 'u8',
  10: 'u64',
};
const stringType = 8;
const arrayType = 9;

/** Where every count, length, type, number and offset of a sound file's header lies. */
export function headerFields(file: Buffer): { readonly fields: readonly Field[]; readonly end: number } {
  const fields: Field[] = [];
  let at = 0;
  const take = (what: string, kind: Kind): number => {
    fields.push({ what, at, kind });
    const start = at;
    at += sizes[kind];
    return kind === 'u64'
      ? Number(file.readBigUInt64LE(start))
      : kind === 'u32'
        ? file.readUInt32LE(start)
        : 0;
  };
  const text = (what: string): string => {
    const length = take(`the length of ${what}`, 'u64');
    at += length;
    return file.toString('utf8', at - length, at);
  };
  const skipElements = (element: number, count: number): void => {
    for (let i = 0; i < count; i += 1) {
      at +=
        element === stringType ? 8 + Number(file.readBigUInt64LE(at)) : sizes[scalarKinds[element] ?? 'u8'];
    }
  };
  take('the magic number', 'u32');
  take('the version', 'u32');
  const tensors = take('the tensor count', 'u64');
  const pairs = take('the metadata count', 'u64');
  for (let i = 0; i < pairs; i += 1) {
    const key = text(`key ${String(i)}`);
    const type = take(`the type of ${key}`, 'u32');
    const kind = scalarKinds[type];
    if (kind !== undefined) {
      take(`the value of ${key}`, kind);
    } else if (type === stringType) {
      text(`the value of ${key}`);
    } else if (type === arrayType) {
      const element = take(`the element type of ${key}`, 'u32');
      skipElements(element, take(`the element count of ${key}`, 'u64'));
    } else {
      throw new Error(`${key} has the type ${String(type)}, which is not expected here.`);
    }
  }
  for (let i = 0; i < tensors; i += 1) {
    const name = text(`the name of tensor ${String(i)}`);
    const dimensions = take(`the number of dimensions of ${name}`, 'u32');
    for (let d = 0; d < dimensions; d += 1) {
      take(`dimension ${String(d)} of ${name}`, 'u64');
    }
    take(`the type of ${name}`, 'u32');
    take(`the offset of ${name}`, 'u64');
  }
  return { fields, end: at };
}

/** Writes another value into a field: an extreme one, or one that is nearly right. */
function lie(bytes: Buffer, { at, kind }: Field, random: Random): string {
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;
  if (kind === 'f32') {
    const value = pick([NaN, Infinity, -Infinity, 0, -0, -1, 1e-40, 3.4e38, 1e6]);
    bytes.writeFloatLE(value, at);
    return String(value);
  }
  const bits = BigInt(sizes[kind] * 8);
  const mask = (1n << bits) - 1n;
  let before = 0n;
  for (let i = sizes[kind] - 1; i >= 0; i -= 1) {
    before = (before << 8n) | BigInt(bytes[at + i] as number);
  }
  const candidates = [
    ...[0n, 1n, mask, mask - 31n, 1n << (bits - 1n), (1n << (bits - 1n)) - 1n],
    ...[
      before + 1n,
      before - 1n,
      before * 2n,
      before / 2n,
      before + 32n,
      before * 128n,
      before ^ (1n << (bits / 2n)),
    ],
    ...[BigInt(random.next() >>> 0), 1n << 31n, 1n << 40n, 1n << 24n],
  ]
    .map((value) => value & mask)
    .filter((value) => value !== before);
  const value = pick(candidates);
  for (let i = 0; i < sizes[kind]; i += 1) {
    bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n);
  }
  return String(value);
}

/** `count` mutants; at least one lie for every field of the header, the rest flips and truncations in turn. */
export function mutants(sound: Buffer, count: number, random: Random): Mutant[] {
  const { fields, end } = headerFields(sound);
  if (fields.length > count) {
    throw new Error(
      `The header has ${String(fields.length)} fields, more than ${String(count)} mutants can lie in.`,
    );
  }
  const lies = fields.map((field): Mutant => {
    const bytes = Buffer.from(sound);
    return { what: `${field.what} is said to be ${lie(bytes, field, random)}`, bytes };
  });
  const others = Array.from({ length: count - lies.length }, (_, i): Mutant => {
    if (i % 2 === 0) {
      // Half of them in the header, where it matters most.
      const length = random.below(i % 4 === 0 ? end : sound.length);
      return {
        what: `only the first ${String(length)} bytes`,
        bytes: Buffer.from(sound.subarray(0, length)),
      };
    }
    const bytes = Buffer.from(sound);
    const flips = Array.from({ length: 1 + random.below(8) }, () => random.below(end * 8));
    for (const bit of flips) {
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    }
    return { what: `flipped bits ${flips.join(', ')} of the header`, bytes };
  });
  return [...lies, ...others];
}
