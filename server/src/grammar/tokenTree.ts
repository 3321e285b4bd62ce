/**
 * Tokens as a tree of their bytes: what begins alike is looked at once. It is kept in the order in which it is walked (a node, then
 * all that is below it), so that a walk is one pass over arrays.
 */
export class TokenTree {
  /** All [nodes]. `depth` counts bytes; `token` is -1 where no token ends; `after` is the first node that is not below this one. */
  readonly nodes: number;
  readonly byteOf: Uint8Array;
  readonly depth: Uint16Array;
  readonly token: Int32Array;
  readonly after: Int32Array;
  readonly deepest: number;

  /** `texts`: unlike each other, a character a byte. */
  constructor(texts: string[], ids: ReadonlyMap<string, number>) {
    texts.sort();
    const most = texts.reduce((sum, text) => sum + text.length, 0);
    const byteOf = new Uint8Array(most);
    const depth = new Uint16Array(most);
    const token = new Int32Array(most).fill(-1);
    const after = new Int32Array(most);
    let count = 0;
    let deepest = 0;
    let last = '';
    const path: number[] = [];
    for (const text of texts) {
      let shared = 0;
      while (shared < last.length && text.charCodeAt(shared) === last.charCodeAt(shared)) {
        shared += 1;
      }
      for (let level = last.length - 1; level >= shared; level -= 1) {
        after[path[level] as number] = count;
      }
      for (let at = shared; at < text.length; at += 1) {
        byteOf[count] = text.charCodeAt(at);
        depth[count] = at + 1;
        path[at] = count;
        count += 1;
      }
      token[count - 1] = ids.get(text) ?? -1;
      deepest = Math.max(deepest, text.length);
      last = text;
    }
    for (let level = last.length - 1; level >= 0; level -= 1) {
      after[path[level] as number] = count;
    }
    this.nodes = count;
    this.byteOf = byteOf.slice(0, count);
    this.depth = depth.slice(0, count);
    this.token = token.slice(0, count);
    this.after = after.slice(0, count);
    this.deepest = deepest;
  }

  /** Tells of all tokens with which the bytes from `from` on begin, the shortest first. */
  prefixes(bytes: Uint8Array, from: number, found: (id: number, end: number) => void): void {
    let node = 0;
    let limit = this.nodes;
    for (let at = from; at < bytes.length; at += 1) {
      while (node < limit && this.byteOf[node] !== bytes[at]) {
        node = this.after[node] ?? limit;
      }
      if (node >= limit) {
        return;
      }
      const id = this.token[node] ?? -1;
      if (id >= 0) {
        found(id, at + 1);
      }
      limit = this.after[node] ?? limit;
      node += 1;
    }
  }
}
