/** Copies of GGUF files with other metadata: the same model, which says something else of itself. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Bytes of a value by its type id; strings (8) and arrays (9) say their length themselves. */
const sizes: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 },
};
const stringType = 8;
const arrayType = 9;

class Reader {
  constructor(
    private readonly bytes: Buffer,
    public at: number,
  ) {}

  u32(): number {
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  u64(): number {
    this.at += 8;
    return Number(this.bytes.readBigUInt64LE(this.at - 8));
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  skipString(): void {
    this.skip(this.u64());
  }

  skipValue(type: number): void {
    const size = sizes[type];
    if (type === stringType) {
      this.skipString();
    } else if (type === arrayType) {
      const of = this.u32();
      for (let left = this.u64(); left > 0; left -= 1) {
        this.skipValue(of);
      }
    } else if (size === undefined) {
      throw new Error(`a value of type ${String(type)}`);
    } else {
      this.skip(size);
    }
  }
}

function stringBytes(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, bytes]);
}

/** Writes `from` to `to` with string metadata added. Alignment is 32, as in files that do not say otherwise. */
export function copyWithMetadata(from: string, to: string, added: Readonly<Record<string, string>>): void {
  const bytes = readFileSync(from);
  const reader = new Reader(bytes, 8);
  const tensors = reader.u64();
  const keys = reader.u64();
  for (let i = 0; i < keys; i += 1) {
    reader.skipString();
    reader.skipValue(reader.u32());
  }
  const keysEnd = reader.at;
  for (let i = 0; i < tensors; i += 1) {
    reader.skipString();
    reader.skip(8 * reader.u32());
    reader.skip(4 + 8);
  }
  const type = Buffer.alloc(4);
  type.writeUInt32LE(stringType);
  const entries = Object.entries(added).map(([key, value]) =>
    Buffer.concat([stringBytes(key), type, stringBytes(value)]),
  );
  const header = Buffer.from(bytes.subarray(0, 24));
  header.writeBigUInt64LE(BigInt(keys + entries.length), 16);
  const head = Buffer.concat([
    header,
    bytes.subarray(24, keysEnd),
    ...entries,
    bytes.subarray(keysEnd, reader.at),
  ]);
  const aligned = (length: number): number => Math.ceil(length / 32) * 32;
  writeFileSync(
    to,
    Buffer.concat([
      head,
      Buffer.alloc(aligned(head.length) - head.length),
      bytes.subarray(aligned(reader.at)),
    ]),
  );
}
