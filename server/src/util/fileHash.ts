/** SHA-256 of a file, of any size. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Hashing takes about half a millisecond for each of these, which is what the event loop is held up for. */
const chunkBytes = 2 ** 20;

/** In hexadecimal. Rejects when the file cannot be read to its end, or with the signal's reason. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: chunkBytes, ...(signal && { signal }) });
  for await (const chunk of stream) {
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
