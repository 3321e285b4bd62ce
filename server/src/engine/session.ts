/**
 * What the rest of the server works with: a session of the engine whose requests are cancelled by an AbortSignal, and the rule
 * that only the latest of a kind of request counts.
 */
import { invalidArgument } from './errors';
import { withJob } from './jobs';
import type {
  EnginePort,
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  KvCodec,
  ModelHandle,
  SessionHandle,
  SessionOptions,
} from './port';

/** A generate request without what the session fills in. */
export type SessionRequest = Omit<GenerateRequest, 'session' | 'job'>;

export interface GenerateOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GenerateEvent) => void;
}

export class EngineSession {
  private closed = false;

  private constructor(
    private readonly port: EnginePort,
    readonly handle: SessionHandle,
  ) {}

  /** `context` tokens at the most (0 = the model's own); `codec` absent = half precision. */
  static async open(
    port: EnginePort,
    model: ModelHandle,
    context = 0,
    codec?: KvCodec,
    options?: SessionOptions,
  ): Promise<EngineSession> {
    return new EngineSession(port, await port.openSession(model, context, codec, options));
  }

  /** A branch: the same timeline, what is finished in memory once. */
  async fork(): Promise<EngineSession> {
    this.check();
    return new EngineSession(this.port, await this.port.forkSession(this.handle));
  }

  /** See EnginePort.pinSession. */
  async pin(tokens: number): Promise<void> {
    this.check();
    await this.port.pinSession(this.handle, tokens);
  }

  /**
   * Rejects with `cancelled` when the signal aborts before the first token; later it resolves with what there is and the reason
   * 'cancelled'.
   */
  async generate(
    request: SessionRequest,
    { signal, onEvent }: GenerateOptions = {},
  ): Promise<GenerateResult> {
    this.check();
    return withJob(this.port, signal, (job) =>
      this.port.generate({ ...request, session: this.handle, job }, onEvent ?? (() => undefined)),
    );
  }

  /** Writes all pages that are not on disk yet, one after the other, until `signal` aborts. */
  async save(signal: AbortSignal): Promise<void> {
    let from: number | undefined = 0;
    while (from !== undefined && !signal.aborted && !this.closed) {
      const written = await this.port.saveNextPage(this.handle, from);
      from = written === undefined ? undefined : written + 1;
    }
  }

  private check(): void {
    if (this.closed) {
      throw invalidArgument('The session has been closed. Open a new one.');
    }
  }

  /** Cancels what runs and frees the session's memory. Closing twice is no error. */
  async close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      await this.port.closeSession(this.handle);
    }
  }
}

/** Runs one thing at a time for a purpose: whoever comes later aborts the one before. */
export class LatestWins {
  private current: AbortController | undefined;

  /** `work` gets a signal that aborts when `signal` does, or when the next `run` begins. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.current?.abort();
    const controller = new AbortController();
    this.current = controller;
    try {
      return await work(
        signal === undefined ? controller.signal : AbortSignal.any([controller.signal, signal]),
      );
    } finally {
      if (this.current === controller) {
        this.current = undefined;
      }
    }
  }

  /** Aborts what runs now, if anything. */
  abort(): void {
    this.current?.abort();
    this.current = undefined;
  }
}
