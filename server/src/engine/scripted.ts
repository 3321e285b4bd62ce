/**
 * An EnginePort without a model, for tests of everything above the engine: answers come from a function, all else behaves as
 * the real one does. Prompts are tokenized, prefixes reused and counted, jobs queue by priority, take time, stop at stop
 * strings, token limits and the context's end, and can be cancelled at any moment.
 */
import { cancelled, invalidArgument } from './errors';
import {
  editSlots,
  EngineError,
  type EnginePort,
  type FileSummary,
  type GenerateEvent,
  type GenerateRequest,
  type GenerateResult,
  type JobId,
  type KernelTableInfo,
  type LoadOptions,
  type MemoryEstimate,
  type ModelHandle,
  type ModelInfo,
  type SessionHandle,
  type TokenId,
} from './port';
import { sleep } from '../util/sleep';
import { decodeScripted, syncScripted, type ScriptedTimeline } from './scriptedDecode';
import { ScriptedTokenizer } from './scriptedTokenizer';

export interface ScriptedPrompt {
  /** The prompt's text, control tokens written out. */
  readonly text: string;
  readonly request: GenerateRequest;
}

export interface ScriptedOptions {
  /**
   * What the model says after the prompt, up to its end of text (`maxTokens` may cut it). Where the request has a
   * `requiredPrefix` that the answer does not begin with, the prefix is said first, as the real engine would be forced to.
   * An EngineError thrown here is what `generate` rejects with.
   */
  readonly answer?: (prompt: ScriptedPrompt) => string;
  readonly loadMs?: number;
  /** For each prompt token that is not cached. */
  readonly prefillMsPerToken?: number;
  readonly decodeMsPerToken?: number;
  /** Tokens; 2,048 when absent. */
  readonly contextLength?: number;
  readonly info?: Partial<ModelInfo>;
  /** `load` rejects with it. */
  readonly loadError?: EngineError;
}

/** A generate call that has ended, for tests to look at. */
export interface ScriptedRun {
  readonly prompt: string;
  readonly request: GenerateRequest;
  /** Or what `onEvent` or `answer` threw. */
  readonly outcome: GenerateResult | Error;
}

interface Model {
  unloaded: boolean;
  readonly sessions: Set<SessionHandle>;
}

interface Session extends ScriptedTimeline {
  readonly model: Model;
}

interface Waiting {
  readonly session: Session;
  readonly request: GenerateRequest;
  readonly onEvent: (event: GenerateEvent) => void;
  readonly abort: AbortController;
  readonly submitted: number;
  readonly resolve: (result: GenerateResult) => void;
  readonly reject: (error: unknown) => void;
}

const kvBytesPerToken = 4;
const kernelTable: KernelTableInfo = { name: 'scripted', needs: 'nothing', supported: true, allowed: true };

export class ScriptedEngine implements EnginePort {
  /** All generate calls that have ended, in that order. */
  readonly runs: ScriptedRun[] = [];
  readonly tokenizer = new ScriptedTokenizer();
  private readonly models = new Map<ModelHandle, Model>();
  private readonly sessions = new Map<SessionHandle, Session>();
  private readonly jobs = new Map<JobId, Waiting>();
  private readonly queue: Waiting[] = [];
  private readonly endListeners = new Map<Waiting, () => void>();
  private busy = false;
  private disposed = false;
  private nextHandle = 1;

  constructor(private readonly options: ScriptedOptions = {}) {}

  /** Jobs that wait or run. */
  get jobsInFlight(): number {
    return this.jobs.size;
  }

  kernelTables(): Promise<readonly KernelTableInfo[]> {
    return this.call(() => [kernelTable]);
  }

  inspect(path: string): Promise<FileSummary> {
    return this.call(() => ({
      version: 3,
      fileBytes: 0,
      metadata: this.info(path).metadata,
      tensors: [],
      problem: '',
    }));
  }

  estimate(_options: LoadOptions, context: number): Promise<MemoryEstimate> {
    const tokens = context === 0 ? this.contextLength : context;
    return this.call(() => ({ weights: 0, kv: tokens * 4, scratch: 0, mapped: 0 }));
  }

  async load(options: LoadOptions): Promise<{ readonly model: ModelHandle; readonly info: ModelInfo }> {
    await sleep(this.options.loadMs ?? 0);
    return this.call(() => {
      if (this.options.loadError !== undefined) {
        throw this.options.loadError;
      }
      const model = this.nextHandle++;
      this.models.set(model, { sessions: new Set(), unloaded: false });
      return { model, info: this.info(options.path) };
    });
  }

  async unload(handle: ModelHandle): Promise<void> {
    const model = await this.call(() => this.findModel(handle));
    model.unloaded = true;
    this.models.delete(handle);
    for (const session of [...model.sessions]) {
      await this.closeSession(session);
    }
  }

  tokenize(model: ModelHandle, text: string, parseSpecial: boolean): Promise<readonly TokenId[]> {
    return this.call(() => {
      this.findModel(model);
      return this.tokenizer.encode(text, parseSpecial);
    });
  }

  tokenizeEdited(model: ModelHandle, slot: number, text: string): Promise<readonly TokenId[]> {
    return slot >= 0 && slot < editSlots
      ? this.tokenize(model, text, false)
      : Promise.reject(invalidArgument(`There is no slot ${String(slot)}.`));
  }

  detokenize(model: ModelHandle, tokens: readonly TokenId[]): Promise<string> {
    return this.call(() => {
      this.findModel(model);
      return this.tokenizer.decode(tokens);
    });
  }

  findToken(model: ModelHandle, text: string): Promise<TokenId> {
    return this.call(() => {
      this.findModel(model);
      return this.tokenizer.find(text);
    });
  }

  kvBytes(handle: ModelHandle): Promise<number> {
    return this.call(() => {
      const sessions = [...this.findModel(handle).sessions];
      const held = sessions.map((session) => this.sessions.get(session)?.evaluated ?? 0);
      return held.reduce((sum, tokens) => sum + tokens, 0) * kvBytesPerToken;
    });
  }

  openSession(handle: ModelHandle, context: number): Promise<SessionHandle> {
    return this.call(() => {
      const model = this.findModel(handle);
      const session = this.nextHandle++;
      const capacity = context === 0 ? this.contextLength : context;
      this.sessions.set(session, { model, tokens: [], evaluated: 0, capacity });
      model.sessions.add(session);
      return session;
    });
  }

  async closeSession(handle: SessionHandle): Promise<void> {
    const session = await this.call(() => this.findSession(handle));
    this.sessions.delete(handle);
    session.model.sessions.delete(handle);
    const mine = [...this.jobs.values()].filter((job) => job.session === session);
    const ended = mine.map(
      (job) =>
        new Promise<void>((resolve) => {
          this.onEnd(job, resolve);
        }),
    );
    for (const job of mine) {
      this.abort(job);
    }
    await Promise.all(ended);
  }

  generate(request: GenerateRequest, onEvent: (event: GenerateEvent) => void): Promise<GenerateResult> {
    return new Promise((resolve, reject) => {
      this.check();
      const session = this.findSession(request.session);
      if (this.jobs.has(request.job)) {
        throw invalidArgument(
          `Job ${String(request.job)} is still in flight. Give every job its own number.`,
        );
      }
      const abort = new AbortController();
      const job: Waiting = {
        session,
        request,
        onEvent,
        abort,
        submitted: performance.now(),
        resolve,
        reject,
      };
      this.jobs.set(request.job, job);
      this.queue.push(job);
      void this.pump();
    });
  }

  cancel(job: JobId): void {
    const waiting = this.jobs.get(job);
    if (waiting !== undefined) {
      this.abort(waiting);
    }
  }

  async dispose(): Promise<void> {
    for (const model of [...this.models.keys()]) {
      await this.unload(model);
    }
    this.disposed = true;
  }

  private get contextLength(): number {
    return this.options.contextLength ?? 2048;
  }

  private onEnd(job: Waiting, listener: () => void): void {
    this.endListeners.set(job, listener);
  }

  /** A waiting job ends at once; a running one at its next pause. */
  private abort(job: Waiting): void {
    job.abort.abort();
    const at = this.queue.indexOf(job);
    if (at >= 0) {
      this.queue.splice(at, 1);
      this.fail(job, cancelled());
    }
  }

  /** Runs the queue, one job at a time: lower priority first, then first come first served. */
  private async pump(): Promise<void> {
    if (this.busy) {
      return;
    }
    this.busy = true;
    await Promise.resolve(); // jobs submitted in the same turn are all there when the first is chosen
    for (;;) {
      const priority = Math.min(...this.queue.map((job) => job.request.priority));
      const at = this.queue.findIndex((job) => job.request.priority === priority);
      const [job] = at < 0 ? [] : this.queue.splice(at, 1);
      if (job === undefined) {
        break;
      }
      try {
        this.succeed(job, await this.run(job));
      } catch (error) {
        this.fail(job, error);
      }
    }
    this.busy = false;
  }

  private async run({ session, request, onEvent, abort, submitted }: Waiting): Promise<GenerateResult> {
    const queueMs = performance.now() - submitted;
    const { signal } = abort;
    const prefillStart = performance.now();
    const counts = await syncScripted(session, request.tokens, {
      msPerToken: this.options.prefillMsPerToken ?? 0,
      signal,
      onEvent,
    });
    const decodeStart = performance.now();
    const prompt: ScriptedPrompt = { text: this.tokenizer.decode(request.tokens), request };
    const decoded = await decodeScripted(session, this.tokenizer, request, {
      answer: request.maxTokens === 0 ? '' : (this.options.answer?.(prompt) ?? ''),
      msPerToken: this.options.decodeMsPerToken ?? 0,
      signal,
      onEvent,
    });
    const decodeMs = performance.now() - decodeStart;
    if (session.model.unloaded) {
      throw cancelled();
    }
    // It says what it is told to, token by token: there is nothing to draft.
    const passes = { batches: decoded.tokens.length, drafted: 0, accepted: 0 };
    return { ...decoded, ...counts, ...passes, prefillMs: decodeStart - prefillStart, decodeMs, queueMs };
  }

  private succeed(job: Waiting, result: GenerateResult): void {
    this.end(job, result);
    job.resolve(result);
  }

  private fail(job: Waiting, error: unknown): void {
    this.end(job, error);
    job.reject(error);
  }

  private end(job: Waiting, outcome: unknown): void {
    this.jobs.delete(job.request.job);
    const prompt = this.tokenizer.decode(job.request.tokens);
    this.runs.push({ prompt, request: job.request, outcome: outcome as ScriptedRun['outcome'] });
    this.endListeners.get(job)?.();
    this.endListeners.delete(job);
  }

  private info(path: string): ModelInfo {
    return {
      path,
      name: 'Scripted',
      architecture: 'scripted',
      kernels: kernelTable.name,
      threads: 1,
      fileBytes: 0,
      parameters: 0,
      weightBytes: 0,
      scratchBytes: 0,
      contextLength: this.contextLength,
      vocabSize: this.tokenizer.size,
      layers: 1,
      embeddingLength: 1,
      heads: 1,
      kvHeads: 1,
      headSize: 1,
      kvBytesPerToken,
      tiedHead: true,
      eos: this.tokenizer.endOfText,
      bos: -1,
      metadata: { 'general.name': 'Scripted' },
      ...this.options.info,
    };
  }

  private check(): void {
    if (this.disposed) {
      throw invalidArgument('The engine has been shut down.');
    }
  }

  /** Errors become rejections, as with the real port. */
  private async call<T>(body: () => T): Promise<T> {
    await Promise.resolve();
    this.check();
    return body();
  }

  private findModel(handle: ModelHandle): Model {
    const model = this.models.get(handle);
    if (model === undefined) {
      throw invalidArgument(`There is no model ${String(handle)}: it was unloaded, or never loaded.`);
    }
    return model;
  }

  private findSession(handle: SessionHandle): Session {
    const session = this.sessions.get(handle);
    if (session === undefined) {
      throw invalidArgument(
        `There is no session ${String(handle)}: it was closed, or its model was unloaded.`,
      );
    }
    return session;
  }
}
