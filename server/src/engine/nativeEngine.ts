/**
 * The EnginePort over the addon. Keeps the table of handles; everything else is done natively: the queue with its priorities,
 * the prefix reuse, the cancelling.
 */
import type { NativeBinding, NativeModel, NativeSession } from './binding';
import { cancelled, invalidArgument, toEngineError } from './errors';
import { Guides } from './guide/guides';
import { findAddon, loadAddon } from './loadAddon';
import {
  fromIds,
  toIds,
  toNativeCalibrateRequest,
  toNativeMeasureRequest,
  toNativeRequest,
} from './nativeRequest';
import type {
  CalibrateKvRequest,
  EnginePort,
  FileSummary,
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  JobId,
  KernelTableInfo,
  KvCalibration,
  KvCalibrationState,
  KvCodec,
  KvCounters,
  KvQuality,
  KvShape,
  LoadOptions,
  MeasureKvRequest,
  MemoryEstimate,
  ModelHandle,
  ModelInfo,
  ModelJobs,
  SessionHandle,
  SessionOptions,
  SpecialToken,
  TokenId,
} from './port';
import { shownText } from '../util/shownText';
import { selfTest, type SelfTestReport } from './selfTest';

export interface NativeEngineOptions {
  /** Absent = the one of this build. */
  readonly addonPath?: string;
  /** The self-test's script; absent = the one of this build. */
  readonly selfTestChild?: string;
  readonly selfTestTimeoutMs?: number;
  /** The script of the worker that constraints need; absent = the one of this build. */
  readonly maskWorker?: string;
  /** Told once, when the kernels have been tried out. For logs and status. */
  readonly onSelfTest?: (report: SelfTestReport) => void;
}

interface OpenModel {
  readonly native: NativeModel;
  readonly guides: Guides;
  readonly sessions: Set<SessionHandle>;
  unloaded: boolean;
}

interface OpenSession {
  readonly native: NativeSession;
  readonly model: OpenModel;
}

interface Ready {
  readonly binding: NativeBinding;
  readonly report: SelfTestReport;
}

class NativeEngine implements EnginePort {
  private readonly models = new Map<ModelHandle, OpenModel>();
  private readonly sessions = new Map<SessionHandle, OpenSession>();
  /** Jobs in flight. */
  private readonly inFlight = new Map<JobId, { readonly native: { cancel(job: JobId): void } }>();
  private readonly loading = new Set<Promise<unknown>>();
  private nextHandle = 1;
  private ready: Promise<Ready> | undefined;
  private disposed = false;

  constructor(private readonly options: NativeEngineOptions) {}

  async kernelTables(): Promise<readonly KernelTableInfo[]> {
    const { binding, report } = await this.whenReady();
    const failed = new Set(report.failures.map((failure) => failure.kernels));
    return binding
      .kernelTables()
      .map((table) => (failed.has(table.name) ? { ...table, supported: false } : table));
  }

  async inspect(path: string): Promise<FileSummary> {
    const { binding } = await this.whenReady();
    return this.guard(binding.inspect(path));
  }

  async estimate(options: LoadOptions, context: number, codec?: KvCodec): Promise<MemoryEstimate> {
    const { binding, report } = await this.whenReady();
    const kernels = options.kernels ?? report.kernels;
    return this.guard(binding.estimate({ ...options, kernels }, context, codec));
  }

  async load(options: LoadOptions): Promise<{ readonly model: ModelHandle; readonly info: ModelInfo }> {
    const { binding, report } = await this.whenReady();
    const kernels = await this.chooseKernels(options.kernels, report);
    const promise = this.guard(binding.load({ ...options, kernels }));
    this.loading.add(promise);
    try {
      const native = await promise;
      if (this.disposed) {
        await native.dispose();
        throw cancelled();
      }
      const model = this.nextHandle++;
      const guides = new Guides(native, this.addonPath(), this.options.maskWorker);
      this.models.set(model, { native, guides, sessions: new Set(), unloaded: false });
      return { model, info: { ...native.info, name: shownText(native.info.name) } };
    } finally {
      this.loading.delete(promise);
    }
  }

  async unload(model: ModelHandle): Promise<void> {
    await this.close(model, this.findModel(model));
  }

  async tokenize(model: ModelHandle, text: string, parseSpecial: boolean): Promise<readonly TokenId[]> {
    return fromIds(await this.guard(this.findModel(model).native.tokenize(text, parseSpecial)));
  }

  async tokenizeEdited(model: ModelHandle, slot: number, text: string): Promise<readonly TokenId[]> {
    return fromIds(await this.guard(this.findModel(model).native.tokenizeEdited(slot, text)));
  }

  async detokenize(model: ModelHandle, tokens: readonly TokenId[]): Promise<string> {
    const { native } = this.findModel(model);
    return this.guard(Promise.resolve().then(() => native.detokenize(toIds(tokens, 'tokens'))));
  }

  async findToken(model: ModelHandle, text: string): Promise<TokenId> {
    const { native } = this.findModel(model);
    return this.guard(Promise.resolve().then(() => native.findToken(text)));
  }

  async specialTokens(model: ModelHandle): Promise<readonly SpecialToken[]> {
    const { native } = this.findModel(model);
    return this.guard(Promise.resolve().then(() => native.specialTokens()));
  }

  async kvBytes(model: ModelHandle): Promise<number> {
    const { native } = this.findModel(model);
    return this.guard(Promise.resolve().then(() => native.kvBytes()));
  }

  async setKvBudget(model: ModelHandle, bytes: number): Promise<void> {
    await this.guard(this.findModel(model).native.setKvBudget(bytes));
  }

  async kvCounters(model: ModelHandle): Promise<KvCounters> {
    const { native } = this.findModel(model);
    return this.guard(Promise.resolve().then(() => native.kvCounters()));
  }

  async jobs(model: ModelHandle): Promise<ModelJobs> {
    const { native } = this.findModel(model);
    return this.guard(Promise.resolve().then(() => native.jobs()));
  }

  async openSession(
    model: ModelHandle,
    context: number,
    codec?: KvCodec,
    options?: SessionOptions,
  ): Promise<SessionHandle> {
    const open = this.findModel(model);
    return this.addSession(open, await this.guard(open.native.openSession(context, codec, options)));
  }

  async forkSession(session: SessionHandle): Promise<SessionHandle> {
    const { native, model } = this.findSession(session);
    return this.addSession(model, await this.guard(native.fork()));
  }

  async rollbackSession(session: SessionHandle, tokens: number): Promise<void> {
    await this.guard(this.findSession(session).native.rollback(tokens));
  }

  async saveNextPage(session: SessionHandle, from: number): Promise<number | undefined> {
    const page = await this.guard(this.findSession(session).native.saveNext(from));
    return page < 0 ? undefined : page;
  }

  async pinSession(session: SessionHandle, tokens: number): Promise<void> {
    await this.guard(this.findSession(session).native.pin(tokens));
  }

  async closeSession(session: SessionHandle): Promise<void> {
    const open = this.findSession(session);
    this.sessions.delete(session);
    open.model.sessions.delete(session);
    await this.guard(open.native.dispose());
  }

  async generate(request: GenerateRequest, onEvent: (event: GenerateEvent) => void): Promise<GenerateResult> {
    const session = this.findSession(request.session);
    this.checkJob(request.job);
    let callbackError: { readonly error: unknown } | undefined;
    const emit = (event: GenerateEvent): void => {
      try {
        onEvent(event);
      } catch (error) {
        callbackError = { error };
        throw error; // the addon cancels the job
      }
    };
    const native = toNativeRequest(request, session.model.native.info.vocabSize);
    try {
      if (native.guide !== '') {
        const preparing = new AbortController();
        this.inFlight.set(request.job, {
          native: {
            cancel: () => {
              preparing.abort();
            },
          },
        });
        await session.model.guides.prepare(native.guide, request.maxTokens, preparing.signal);
      }
      this.inFlight.set(request.job, session);
      const answered = session.native.generate(
        native,
        (id, text, logprob, topIds, topLogprobs) => {
          const top =
            topIds && Array.from(topIds, (other, i) => ({ id: other, logprob: topLogprobs?.[i] ?? NaN }));
          emit({
            kind: 'token',
            id,
            text,
            ...(logprob === undefined ? {} : { logprob }),
            ...(top && { top }),
          });
        },
        (done, total) => {
          emit({ kind: 'prefill', done, total });
        },
      );
      session.model.guides.wake();
      const { guided: forced, guideMs, ...result } = await answered;
      if (session.model.unloaded) {
        throw cancelled();
      }
      return {
        ...result,
        tokens: fromIds(result.tokens),
        ...(native.guide === '' ? {} : { guided: { forced, waitMs: guideMs } }),
      };
    } catch (error) {
      throw callbackError === undefined ? toEngineError(error) : callbackError.error;
    } finally {
      this.inFlight.delete(request.job);
    }
  }

  cancel(job: JobId): void {
    this.inFlight.get(job)?.native.cancel(job);
  }

  async kvFits(shape: KvShape, codec: KvCodec): Promise<boolean> {
    return this.reckon((binding) => binding.kvFits(shape, codec));
  }

  async kvBytesFor(shape: KvShape, codec: KvCodec, tokens: number, careful = 0): Promise<number> {
    return this.reckon((binding) => binding.kvBytes(shape, codec, tokens, careful));
  }

  async kvTokensWithin(shape: KvShape, codec: KvCodec, bytes: number, careful = 0): Promise<number> {
    return this.reckon((binding) => binding.kvTokensWithin(shape, codec, bytes, careful));
  }

  async calibrateKv(
    request: CalibrateKvRequest,
    onProgress: (share: number) => void,
  ): Promise<KvCalibration> {
    const model = this.findModel(request.model);
    const native = toNativeCalibrateRequest(request);
    return this.runOnModel(model, request.job, () => model.native.calibrateKv(native, onProgress));
  }

  async measureKv(request: MeasureKvRequest, onProgress: (share: number) => void): Promise<KvQuality> {
    const model = this.findModel(request.model);
    const native = toNativeMeasureRequest(request);
    return this.runOnModel(model, request.job, () => model.native.measureKv(native, onProgress));
  }

  async useKvCalibration(model: ModelHandle, bytes: Uint8Array): Promise<KvCalibrationState> {
    return this.guard(this.findModel(model).native.useKvCalibration(bytes));
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await Promise.allSettled([
      ...Array.from(this.models, ([handle, model]) => this.close(handle, model)),
      ...this.loading, // `load` itself frees what arrives now
    ]);
  }

  /** Nothing of the addon is touched before a child process has shown that it works. */
  private async whenReady(): Promise<Ready> {
    if (this.disposed) {
      throw invalidArgument('The engine has been shut down. Restart the language server.');
    }
    this.ready ??= this.prepare();
    return this.ready;
  }

  private async prepare(): Promise<Ready> {
    const report = await selfTest(this.selfTestOptions());
    this.options.onSelfTest?.(report);
    return { binding: loadAddon(this.addonPath()), report };
  }

  private addonPath(): string {
    return this.options.addonPath ?? findAddon();
  }

  private selfTestOptions(): Parameters<typeof selfTest>[0] {
    const { selfTestChild, selfTestTimeoutMs } = this.options;
    return {
      addonPath: this.addonPath(),
      ...(selfTestChild === undefined ? {} : { childPath: selfTestChild }),
      ...(selfTestTimeoutMs === undefined ? {} : { timeoutMs: selfTestTimeoutMs }),
    };
  }

  /** A table asked for by name is tried out too; names that the engine refuses anyway are left to its own message. */
  private async chooseKernels(name: string | undefined, report: SelfTestReport): Promise<string> {
    if (name === undefined || name === '' || name === report.kernels) {
      return report.kernels;
    }
    const table = report.tables.find((candidate) => candidate.name === name);
    if (table?.supported === true && table.allowed) {
      await selfTest(this.selfTestOptions(), name);
    }
    return name;
  }

  private async guard<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      throw toEngineError(error);
    }
  }

  private async reckon<T>(body: (binding: NativeBinding) => T): Promise<T> {
    const { binding } = await this.whenReady();
    return this.guard(Promise.resolve().then(() => body(binding)));
  }

  private checkJob(job: JobId): void {
    if (this.inFlight.has(job)) {
      throw invalidArgument(`Job ${String(job)} is still in flight. Give every job its own number.`);
    }
  }

  /** A job that belongs to no session. */
  private async runOnModel<T>(model: OpenModel, job: JobId, start: () => Promise<T>): Promise<T> {
    this.checkJob(job);
    this.inFlight.set(job, model);
    try {
      return await this.guard(start());
    } finally {
      this.inFlight.delete(job);
    }
  }

  private addSession(model: OpenModel, native: NativeSession): SessionHandle {
    if (model.unloaded) {
      throw invalidArgument('The model was unloaded while a session was being opened.');
    }
    const session = this.nextHandle++;
    this.sessions.set(session, { native, model });
    model.sessions.add(session);
    return session;
  }

  private findModel(handle: ModelHandle): OpenModel {
    const model = this.models.get(handle);
    if (model === undefined) {
      throw invalidArgument(`There is no model ${String(handle)}: it was unloaded, or never loaded.`);
    }
    return model;
  }

  private findSession(handle: SessionHandle): OpenSession {
    const session = this.sessions.get(handle);
    if (session === undefined) {
      throw invalidArgument(
        `There is no session ${String(handle)}: it was closed, or its model was unloaded.`,
      );
    }
    return session;
  }

  private async close(handle: ModelHandle, model: OpenModel): Promise<void> {
    model.unloaded = true;
    this.models.delete(handle);
    for (const session of model.sessions) {
      this.sessions.delete(session);
    }
    await this.guard(model.native.dispose());
    await model.guides.close();
  }
}

/** The engine in this process. The addon is tried out and loaded when it is first needed. */
export function createNativeEngine(options: NativeEngineOptions = {}): EnginePort {
  return new NativeEngine(options);
}
