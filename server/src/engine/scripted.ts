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
  type SpecialToken,
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
import { constrainedAnswer } from './scriptedConstraint';
import { ScriptedKv, scriptedKvBytes, scriptedKvFits, scriptedKvTokens } from './scriptedKv';
import { decodeScripted, syncScripted, type ScriptedTimeline } from './scriptedDecode';
import { ScriptedQueue, type QueuedJob } from './scriptedQueue';
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

export type { ScriptedOptions, ScriptedPrompt, ScriptedRun } from './scriptedOptions';

export class ScriptedEngine implements EnginePort {
  /** All generate calls that have ended, in that order. */
  readonly runs: ScriptedRun[] = [];
  readonly tokenizer = new ScriptedTokenizer();
  readonly kv: ScriptedKv;
  private readonly models = new Map<ModelHandle, Model>();
  private readonly sessions = new Map<SessionHandle, Session>();
  private readonly queue = new ScriptedQueue<Session>(
    (job) => this.run(job),
    (request, outcome) => {
      const prompt = this.tokenizer.decode(request.tokens);
      this.runs.push({ prompt, request, outcome: outcome as ScriptedRun['outcome'] });
    },
  );
  private disposed = false;
  private nextHandle = 1;

  constructor(private readonly options: ScriptedOptions = {}) {
    this.kv = new ScriptedKv(options);
  }

  /** Jobs that wait or run. */
  get jobsInFlight(): number {
    return this.queue.inFlight;
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
      fingerprint: this.info(path).fingerprint,
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

  specialTokens(model: ModelHandle): Promise<readonly SpecialToken[]> {
    return this.call(() => {
      this.findModel(model);
      return this.tokenizer.specials();
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
      return {
        jobs: this.queue.statuses((session) => session.model === model),
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
    await this.queue.cancelAll(session);
  }

  generate(request: GenerateRequest, onEvent: (event: GenerateEvent) => void): Promise<GenerateResult> {
    return new Promise((resolve) => {
      this.check();
      resolve(this.queue.submit(this.findSession(request.session), request, onEvent));
    });
  }

  cancel(job: JobId): void {
    this.kv.cancel(job);
    this.queue.cancel(job);
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

  private async run({
    session,
    request,
    onEvent,
    signal,
    submitted,
  }: QueuedJob<Session>): Promise<GenerateResult> {
    const queueMs = performance.now() - submitted;
    const prompt: ScriptedPrompt = { text: this.tokenizer.decode(request.tokens), request };
    const say = (): string => (request.maxTokens === 0 ? '' : (this.options.answer?.(prompt) ?? ''));
    const { constraint, maxTokens, requiredPrefix = '' } = request;
    let constrained: string | undefined;
    if (constraint !== undefined && maxTokens > 0) {
      const said = say();
      const answer = said.startsWith(requiredPrefix) ? said : requiredPrefix + said;
      constrained = constrainedAnswer(answer, constraint, maxTokens, this.tokenizer);
    }
    const prefillStart = performance.now();
    const counts = await syncScripted(session, request.tokens, {
      msPerToken: this.options.prefillMsPerToken ?? 0,
      signal,
      onEvent,
    });
    this.kv.count(session.user, counts);
    const decodeStart = performance.now();
    const decoded = await decodeScripted(session, this.tokenizer, request, {
      answer: constrained ?? say(),
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
    const guided = constrained === undefined ? {} : { guided: { forced: 0, waitMs: 0 } };
    return { ...decoded, ...counts, ...passes, ...times, ...guided };
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
