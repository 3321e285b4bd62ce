/**
 * An EnginePort without a model, for tests of everything above the engine: answers come from a function, all else behaves as
 * the real one does. Prompts are tokenized, prefixes reused and counted, jobs queue by priority, take time, stop at stop
 * strings, token limits and the context's end, and can be cancelled at any moment.
 */
import { cancelled, invalidArgument } from './errors';
import {
  editSlots,
  EngineError,
  type CalibrateKvRequest,
  type EnginePort,
  type FileSummary,
  type GenerateEvent,
  type GenerateRequest,
  type GenerateResult,
  type JobId,
  type JobStatus,
  type KernelTableInfo,
  type KvCalibration,
  type KvCalibrationState,
  type KvCodec,
  type KvCounters,
  type KvQuality,
  type KvShape,
  type KvUser,
  type LoadOptions,
  type MeasureKvRequest,
  type MemoryEstimate,
  type ModelHandle,
  type ModelInfo,
  type ModelJobs,
  type SessionHandle,
  type SessionOptions,
  type TokenId,
} from './port';
import { sleep } from '../util/sleep';
import {
  kernelTable,
  kvBytesPerToken,
  scriptedInfo,
  type ScriptedOptions,
  type ScriptedPrompt,
  type ScriptedRun,
} from './scriptedOptions';

import { ScriptedKv, scriptedKvBytes, scriptedKvFits, scriptedKvTokens } from './scriptedKv';
import { decodeScripted, syncScripted, type ScriptedTimeline } from './scriptedDecode';
import { ScriptedTokenizer } from './scriptedTokenizer';

interface Model {
  readonly info: ModelInfo;
  unloaded: boolean;
  readonly sessions: Set<SessionHandle>;
}

interface Session extends ScriptedTimeline {
  readonly model: Model;
  readonly user: KvUser;
}

interface Waiting {
  readonly session: Session;
  decoded: number;
  done: number;
  readonly request: GenerateRequest;
  readonly onEvent: (event: GenerateEvent) => void;
  readonly abort: AbortController;
  readonly submitted: number;
  readonly resolve: (result: GenerateResult) => void;
  readonly reject: (error: unknown) => void;
}

export type { ScriptedOptions, ScriptedPrompt, ScriptedRun } from './scriptedOptions';

export class ScriptedEngine implements EnginePort {
  /** All generate calls that have ended, in that order. */
  readonly runs: ScriptedRun[] = [];
  readonly tokenizer = new ScriptedTokenizer();
  readonly kv: ScriptedKv;
  private readonly models = new Map<ModelHandle, Model>();
  private readonly sessions = new Map<SessionHandle, Session>();
  private readonly jobsById = new Map<JobId, Waiting>();
  private readonly queue: Waiting[] = [];
  private readonly endListeners = new Map<Waiting, () => void>();
  private busy = false;
  private disposed = false;
  private nextHandle = 1;

  constructor(private readonly options: ScriptedOptions = {}) {
    this.kv = new ScriptedKv(options);
  }

  /** Jobs that wait or run. */
  get jobsInFlight(): number {
    return this.jobsById.size;
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

  estimate(options: LoadOptions, context: number, codec: KvCodec = 'f16'): Promise<MemoryEstimate> {
    const tokens = context === 0 ? this.contextLength : context;
    return this.call(() => ({
      weights: 0,
      kv: scriptedKvBytes(this.info(options.path), codec, tokens),
      scratch: 0,
      mapped: 0,
    }));
  }

  async load(options: LoadOptions): Promise<{ readonly model: ModelHandle; readonly info: ModelInfo }> {
    await sleep(this.options.loadMs ?? 0);
    return this.call(() => {
      if (this.options.loadError !== undefined) {
        throw this.options.loadError;
      }
      const model = this.nextHandle++;
      const info = this.info(options.path);
      this.models.set(model, { info, sessions: new Set(), unloaded: false });
      return { model, info };
    });
  }

  async unload(handle: ModelHandle): Promise<void> {
    const model = await this.call(() => this.findModel(handle));
    model.unloaded = true;
    this.kv.cancelAll();
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

  /** Takes note; nothing is ever evicted here. */
  async setKvBudget(handle: ModelHandle, bytes: number): Promise<void> {
    await this.call(() => this.findModel(handle));
    this.kv.budget = bytes;
  }

  kvCounters(handle: ModelHandle): Promise<KvCounters> {
    return this.call(() => {
      this.findModel(handle);
      return this.kv.counters();
    });
  }

  /** Jobs run to their end here: none is ever paused. */
  jobs(handle: ModelHandle): Promise<ModelJobs> {
    return this.call(() => {
      const model = this.findModel(handle);
      const mine = [...this.jobsById.values()].filter(({ session }) => session.model === model);
      return {
        jobs: mine.map((one): JobStatus => ({
          job: one.request.job,
          priority: one.request.priority,
          state: this.queue.includes(one) ? 'waiting' : 'running',
          done: one.done,
          total: one.request.tokens.length,
          decoded: one.decoded,
        })),
        scratchBytes: model.info.scratchBytes,
      };
    });
  }

  openSession(
    handle: ModelHandle,
    context: number,
    codec: KvCodec = 'f16',
    { user = 'other' }: SessionOptions = {},
  ): Promise<SessionHandle> {
    return this.call(() => {
      const model = this.findModel(handle);
      if (!scriptedKvFits(model.info, codec)) {
        throw new EngineError('unsupported', `The codec ${codec} does not fit the model's heads.`);
      }
      const session = this.nextHandle++;
      const capacity = context === 0 ? this.contextLength : context;
      this.sessions.set(session, { model, user, tokens: [], evaluated: 0, capacity });
      model.sessions.add(session);
      return session;
    });
  }

  forkSession(handle: SessionHandle): Promise<SessionHandle> {
    return this.call(() => {
      const session = this.findSession(handle);
      const fork = this.nextHandle++;
      this.sessions.set(fork, { ...session, tokens: [...session.tokens] });
      session.model.sessions.add(fork);
      return fork;
    });
  }

  async rollbackSession(handle: SessionHandle, tokens: number): Promise<void> {
    await this.call(() => {
      const session = this.findSession(handle);
      if (tokens < 0 || tokens > session.tokens.length) {
        throw invalidArgument(`A session cannot be rolled back to ${String(tokens)} tokens.`);
      }
      session.tokens = session.tokens.slice(0, tokens);
      session.evaluated = Math.min(session.evaluated, tokens);
    });
  }

  /** Nothing is ever written here. */
  async saveNextPage(handle: SessionHandle): Promise<undefined> {
    await this.call(() => this.findSession(handle));
    return undefined;
  }

  async pinSession(handle: SessionHandle): Promise<void> {
    await this.call(() => this.findSession(handle));
  }

  async closeSession(handle: SessionHandle): Promise<void> {
    const session = await this.call(() => this.findSession(handle));
    this.sessions.delete(handle);
    session.model.sessions.delete(handle);
    const mine = [...this.jobsById.values()].filter((job) => job.session === session);
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
      if (this.jobsById.has(request.job)) {
        throw invalidArgument(
          `Job ${String(request.job)} is still in flight. Give every job its own number.`,
        );
      }
      const abort = new AbortController();
      const job: Waiting = {
        session,
        decoded: 0,
        done: 0,
        request,
        onEvent: (event) => {
          if (event.kind === 'prefill') {
            job.done = event.done;
          } else {
            job.decoded += 1;
          }
          onEvent(event);
        },
        abort,
        submitted: performance.now(),
        resolve,
        reject,
      };
      this.jobsById.set(request.job, job);
      this.queue.push(job);
      void this.pump();
    });
  }

  cancel(job: JobId): void {
    this.kv.cancel(job);
    const waiting = this.jobsById.get(job);
    if (waiting !== undefined) {
      this.abort(waiting);
    }
  }

  kvFits(shape: KvShape, codec: KvCodec): Promise<boolean> {
    return this.call(() => scriptedKvFits(shape, codec));
  }

  kvBytesFor(shape: KvShape, codec: KvCodec, tokens: number, careful = 0): Promise<number> {
    return this.call(() => scriptedKvBytes(shape, codec, tokens, careful));
  }

  kvTokensWithin(shape: KvShape, codec: KvCodec, bytes: number, careful = 0): Promise<number> {
    return this.call(() => scriptedKvTokens(shape, codec, bytes, careful));
  }

  async calibrateKv(
    request: CalibrateKvRequest,
    onProgress: (share: number) => void,
  ): Promise<KvCalibration> {
    const { info } = await this.call(() => this.findModel(request.model));
    return this.kv.calibrate(request, info.fingerprint, onProgress);
  }

  async useKvCalibration(model: ModelHandle, bytes: Uint8Array): Promise<KvCalibrationState> {
    return this.call(() => this.kv.use(bytes, this.findModel(model).info.fingerprint));
  }

  async measureKv(request: MeasureKvRequest, onProgress: (share: number) => void): Promise<KvQuality> {
    await this.call(() => this.findModel(request.model));
    return this.kv.measure(request, onProgress);
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
    this.kv.count(session.user, counts);
    const decodeStart = performance.now();
    const prompt: ScriptedPrompt = { text: this.tokenizer.decode(request.tokens), request };
    const decoded = await decodeScripted(session, this.tokenizer, request, {
      answer: request.maxTokens === 0 ? '' : (this.options.answer?.(prompt) ?? ''),
      logprob: this.options.logprob?.(prompt) ?? -0.1,
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
    const times = { prefillMs: decodeStart - prefillStart, decodeMs, queueMs, pausedMs: 0 };
    return { ...decoded, ...counts, ...passes, ...times };
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
    this.jobsById.delete(job.request.job);
    const prompt = this.tokenizer.decode(job.request.tokens);
    this.runs.push({ prompt, request: job.request, outcome: outcome as ScriptedRun['outcome'] });
    this.endListeners.get(job)?.();
    this.endListeners.delete(job);
  }

  private info(path: string): ModelInfo {
    return scriptedInfo(path, this.contextLength, this.tokenizer, this.options.info);
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
