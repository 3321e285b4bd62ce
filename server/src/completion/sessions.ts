/**
 * One engine session a document, so that every file keeps its cached prompt when the user goes back and forth. The least
 * recently used ones go when memory for the KV cache runs short.
 */
import { EngineSession, type EnginePort } from '../engine';
import type { LoadedModel } from '../models';

interface Entry {
  readonly session: Promise<EngineSession>;
  /** What it may hold by now. */
  bytes: number;
}

/** Beyond this many files nobody goes back and forth. */
const mostSessions = 8;

export class SessionPool {
  /** In order of use, the latest last. */
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly engine: EnginePort,
    readonly model: LoadedModel,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  /** The document's session, opened where there is none. `tokens` is what it is about to hold. */
  async acquire(uri: string, tokens: number): Promise<EngineSession> {
    const { handle, info, kv } = this.model;
    const bytes = await this.engine.kvBytesFor(info, kv.codec, tokens, kv.carefulLayers);
    const known = this.entries.get(uri);
    this.entries.delete(uri);
    const entry = known ?? {
      session: EngineSession.open(this.engine, handle, kv.context, kv.codec),
      bytes: 0,
    };
    entry.bytes = Math.max(entry.bytes, bytes);
    this.entries.set(uri, entry);
    await this.makeRoom(uri);
    try {
      return await entry.session;
    } catch (error) {
      this.entries.delete(uri);
      throw error;
    }
  }

  async release(uri: string): Promise<void> {
    const entry = this.entries.get(uri);
    this.entries.delete(uri);
    await (await entry?.session.catch(() => undefined))?.close();
  }

  private async makeRoom(keep: string): Promise<void> {
    for (const uri of [...this.entries.keys()]) {
      if (uri === keep || (this.entries.size <= mostSessions && this.heldBytes() <= this.model.kv.budget)) {
        return;
      }
      await this.release(uri);
    }
  }

  private heldBytes(): number {
    let bytes = 0;
    for (const entry of this.entries.values()) {
      bytes += entry.bytes;
    }
    return bytes;
  }
}
