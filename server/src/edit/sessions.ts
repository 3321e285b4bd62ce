/**
 * What the engine remembers of the files that are being edited: one session for each. A prompt begins with the file, so a second edit of it
 * computes what the file has changed by, and the instruction.
 */
import { EngineSession, type EnginePort, type ModelHandle } from '../engine';
import type { LoadedModel } from '../models';
import { Holds } from '../util/holds';

const mostFiles = 2;

export class EditSessions {
  /** In order of use, the latest last. */
  private readonly sessions = new Map<string, Promise<EngineSession>>();
  /** Files with work going on, and how much: their sessions stay. */
  private readonly held = new Holds<string>();
  /** Files that were closed while there was work: their sessions go when it is done. */
  private readonly leaving = new Set<string>();
  private model: ModelHandle | undefined;

  constructor(private readonly engine: EnginePort) {}

  /** Sessions of a model that is not loaded any more are gone with it. */
  async with<T>(
    uri: string,
    { handle, kv }: LoadedModel,
    work: (session: EngineSession) => Promise<T>,
  ): Promise<T> {
    if (this.model !== handle) {
      this.model = handle;
      this.sessions.clear();
    }
    const session =
      this.sessions.get(uri) ??
      EngineSession.open(this.engine, handle, kv.context, kv.codec, { user: 'chat' });
    this.sessions.delete(uri);
    this.sessions.set(uri, session);
    this.leaving.delete(uri);
    try {
      return await this.held.during(uri, async () => {
        await this.closeOthers();
        const open = await session.catch((error: unknown) => {
          this.sessions.delete(uri); // the next edit tries again
          throw error;
        });
        return work(open);
      });
    } finally {
      if (!this.held.has(uri) && this.leaving.has(uri)) {
        await this.forget(uri);
      }
    }
  }

  /** Where there is work of the file, after it: a tab that is closed ends no edit, which has a view of its own. */
  async forget(uri: string): Promise<void> {
    if (this.held.has(uri)) {
      this.leaving.add(uri);
      return;
    }
    this.leaving.delete(uri);
    const session = this.sessions.get(uri);
    this.sessions.delete(uri);
    await session?.then((open) => open.close()).catch(() => undefined);
  }

  private async closeOthers(): Promise<void> {
    const idle = [...this.sessions.keys()].filter((uri) => !this.held.has(uri));
    for (const uri of idle.slice(0, Math.max(0, this.sessions.size - mostFiles))) {
      await this.forget(uri);
    }
  }
}
