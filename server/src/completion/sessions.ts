/**
 * One engine session a document, so that every file keeps its cached prompt when the user goes back and forth. The least
 * recently used ones go when memory for the KV cache runs short.
 */
import { EngineSession, type EnginePort } from '../engine';
import type { LoadedModel } from '../models';

interface Entry {
  readonly session: Promise<EngineSession>;
  tokens: number;
}

/** Beyond this many files nobody goes back and forth. */
const mostSessions = 8;

export class SessionPool {
  /** In order of use, the latest last. */
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly engine: EnginePort,
    readonly model: LoadedModel,
    /** Bytes of KV that all sessions together may hold. */
    private readonly budget: number,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  /** The document's session, opened where there is none. `tokens` is what it is about to hold. */
  async acquire(uri: string, tokens: number): Promise<EngineSession> {
    const known = this.entries.get(uri);
    this.entries.delete(uri);
    const entry = known ?? {
      session: EngineSession.open(this.engine, this.model.handle, this.model.sessionContext),
      tokens: 0,
    };
    entry.tokens = Math.max(entry.tokens, tokens);
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
      if (uri === keep || (this.entries.size <= mostSessions && this.heldBytes() <= this.budget)) {
        return;
      }
      await this.release(uri);
    }
  }

  private heldBytes(): number {
    let tokens = 0;
    for (const entry of this.entries.values()) {
      tokens += entry.tokens;
    }
    return tokens * this.model.info.kvBytesPerToken;
  }
}
