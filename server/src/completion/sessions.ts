/**
 * One engine session a document, so that every file keeps its cached prompt when the user goes back and forth. Memory is the
 * engine's affair (EnginePort.setKvBudget): a session whose pages were taken computes them anew.
 */
import { EngineSession, type EnginePort, type SavedPagesPlace } from '../engine';
import type { LoadedModel } from '../models';

/** Beyond this many files nobody goes back and forth. */
const mostSessions = 8;

export class SessionPool {
  /** In order of use, the latest last. */
  private readonly sessions = new Map<string, Promise<EngineSession>>();

  constructor(
    private readonly engine: EnginePort,
    readonly model: LoadedModel,
    /** Where a document's pages may be saved. */
    private readonly savedPlace: (uri: string) => SavedPagesPlace | undefined,
  ) {}

  get size(): number {
    return this.sessions.size;
  }

  /** The document's session, opened where there is none. */
  async acquire(uri: string): Promise<EngineSession> {
    const session = this.sessions.get(uri) ?? this.open(uri);
    this.sessions.delete(uri);
    this.sessions.set(uri, session);
    if (this.sessions.size > mostSessions) {
      await this.release(this.sessions.keys().next().value as string);
    }
    try {
      return await session;
    } catch (error) {
      this.sessions.delete(uri);
      throw error;
    }
  }

  /** One in which things are computed exactly, for what the documents' sessions then share. */
  exact(): Promise<EngineSession> {
    return this.acquire('');
  }

  private open(uri: string): Promise<EngineSession> {
    const { handle, kv } = this.model;
    const saved = this.savedPlace(uri);
    return EngineSession.open(this.engine, handle, kv.context, kv.codec, {
      user: 'completion',
      ...(saved && { saved }),
    });
  }

  async release(uri: string): Promise<void> {
    const session = this.sessions.get(uri);
    this.sessions.delete(uri);
    await (await session?.catch(() => undefined))?.close();
  }
}
