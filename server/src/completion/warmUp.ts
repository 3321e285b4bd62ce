/**
 * Computes in advance what the next completion is likely to need, at background priority: once nobody has typed, asked or moved the
 * cursor for a while, and where the model is in memory anyway. The first keystroke then finds its prompt cached.
 */
import type { ModelHost } from '../models';
import type { Completer } from './completer';
import type { DocumentSnapshot } from './snapshot';

/** Where the next completion may be asked for. */
export interface Place {
  readonly document: DocumentSnapshot;
  /** Of the cursor, in UTF-16 units; undefined = not known. */
  readonly offset: number | undefined;
  /** What a completion there may write at the most. */
  readonly maxTokens: number;
}

export interface WarmUpOptions {
  readonly host: ModelHost;
  readonly completer: Completer;
  /** Whether the machine may be kept busy with what nobody waits for. */
  readonly mayWork: () => Promise<boolean>;
  /**
   * What is done before a place's prompt is evaluated: finding out what it should show. Ends early when `signal` aborts. False =
   * nothing is to be evaluated there.
   */
  readonly prepare?: (place: Place, signal: AbortSignal) => Promise<boolean>;
  /** Without anything happening, before it begins; 300 when absent. */
  readonly restMs?: number;
}

const defaultRestMs = 300;

/** Has one timer, which is set only while there is something to be done. */
export class WarmUp {
  private timer: NodeJS.Timeout | undefined;
  private place: (() => Place | undefined) | undefined;
  private running: AbortController | undefined;

  constructor(private readonly options: WarmUpOptions) {
    // A model that is still being loaded when the time comes is waited for, and not woken.
    options.host.changes.add(() => {
      if (this.timer === undefined && this.place !== undefined && options.host.state === 'ready') {
        this.wait(this.restMs);
      }
    });
  }

  private get restMs(): number {
    return this.options.restMs ?? defaultRestMs;
  }

  /**
   * The next completion is likely to be asked for here. `place` is called when the time has come: undefined = not any more. `soon`:
   * there is no need to wait for a rest, because nobody is typing.
   */
  expect(place: () => Place | undefined, soon = false): void {
    this.place = place;
    this.running?.abort();
    this.wait(soon ? 0 : this.restMs);
  }

  /** Something happens: whatever runs stops, and the rest begins anew. */
  touch(): void {
    this.running?.abort();
    if (this.place !== undefined) {
      this.wait(this.restMs);
    }
  }

  dispose(): void {
    this.place = undefined;
    this.running?.abort();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private wait(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.begin();
    }, ms);
    this.timer.unref();
  }

  private async begin(): Promise<void> {
    const { host, completer, mayWork, prepare } = this.options;
    if (host.state !== 'ready') {
      return; // the place is remembered
    }
    const place = this.place?.();
    this.place = undefined;
    if (place === undefined || completer.busy) {
      return; // what runs now caches all that could be computed here
    }
    const controller = new AbortController();
    this.running = controller;
    try {
      const { signal } = controller;
      const goesOn = async (ask: Promise<boolean>): Promise<boolean> => (await ask) && !signal.aborted;
      if (!(await goesOn(mayWork()))) {
        return;
      }
      if (prepare === undefined || (await goesOn(prepare(place, signal)))) {
        await completer.warm(place, controller.signal);
      }
    } catch {
      // Nobody waits for it. What is wrong is said by the request that comes to need it.
    } finally {
      if (this.running === controller) {
        this.running = undefined;
      }
    }
  }
}
