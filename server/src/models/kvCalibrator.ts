/**
 * Gives a loaded model its KV calibration: the file that belongs to it or, where there is none, one that is made in the background
 * once nobody has needed the model for a while. Whoever needs the model in the middle of that does not wait. The engine would only
 * pause the work; it is dropped and begun anew later, because it holds as much memory as the caches of all files may.
 */
import { readFile } from 'node:fs/promises';
import {
  calibrateKv,
  cancelled,
  EngineError,
  isCancelled,
  type EnginePort,
  type KvCalibrationSource,
  type ModelHandle,
  type ModelInfo,
} from '../engine';
import { Listeners } from '../util/listeners';
import type { Log } from '../util/log';
import type { CalibrationStore } from './calibrationStore';
import { IdleTimer } from './idleTimer';
import type { KvPlan } from './kvPlan';

export interface CalibratorOptions {
  readonly engine: EnginePort;
  readonly log: Log;
  /** Absent = nothing is read, written or made. */
  readonly store?: CalibrationStore;
  /** The embedded model's, which ships with it. */
  readonly embeddedPath: string;
  /** What a model reads for it. */
  readonly text: () => Promise<string>;
  /** Without use, before the work begins. */
  readonly idleMs: number;
  /** Whether the machine may be kept busy now; asked once the time has come, and not again before the next use. */
  readonly mayWork: () => Promise<boolean>;
}

export interface CalibrationTarget {
  readonly handle: ModelHandle;
  readonly info: ModelInfo;
  readonly embedded: boolean;
  readonly kv: KvPlan;
  /** Careful layers take more room, so the plan for the sessions to come depends on how many there are. */
  readonly replan: (carefulLayers: number) => Promise<void>;
}

/** The engine asks for as many. */
const fewestTokens = 256;
/**
 * Weights, in bytes, up to which a model's careful layers are looked for. It takes two passes over the text for every layer, and
 * whoever needs the model meanwhile makes all of it begin anew: with a larger model it would hardly ever come to an end.
 */
const smallModel = 16 * 2 ** 20;

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class KvCalibrator {
  readonly changes = new Listeners();
  private target: CalibrationTarget | undefined;
  private known: KvCalibrationSource = 'norms';
  private running: AbortController | undefined;
  private applying: Promise<unknown> = Promise.resolve();
  private readonly idle = new IdleTimer(() => {
    void this.work();
  });

  constructor(private readonly options: CalibratorOptions) {}

  /** What new sessions of the model go by. */
  get source(): KvCalibrationSource {
    return this.known;
  }

  /** Resolves, at once or nearly, when the plan agrees with what new sessions go by. */
  async settled(): Promise<void> {
    await this.applying;
  }

  /** To be called when a model has been loaded, before its first session is opened. */
  async prepare(target: CalibrationTarget): Promise<void> {
    this.forget();
    this.target = target;
    this.known = target.info.kvCalibration;
    if (target.kv.codec === 'f16' || (await this.useFile(target)) || this.options.store === undefined) {
      return;
    }
    this.idle.setAfter(this.options.idleMs);
    this.idle.touch();
  }

  /** The model is going. */
  forget(): void {
    this.target = undefined;
    this.idle.setAfter(0);
    this.interrupt();
  }

  /** Somebody needs the model now. */
  interrupt(): void {
    this.running?.abort();
  }

  /** Somebody has used the model. */
  touch(): void {
    this.idle.touch();
  }

  private async work(): Promise<void> {
    const { log, mayWork } = this.options;
    const { target } = this;
    if (target === undefined || this.running !== undefined) {
      return;
    }
    const controller = new AbortController();
    this.running = controller;
    try {
      if (!(await mayWork()) || controller.signal.aborted) {
        return;
      }
      // Another window may have made it meanwhile.
      if (!(await this.useFile(target, controller.signal))) {
        await this.make(target, controller.signal);
      }
      this.idle.setAfter(0);
    } catch (error) {
      if (!isCancelled(error)) {
        this.idle.setAfter(0); // it would fail again
        log.warn(`The KV calibration of ${target.info.name} could not be made: ${reasonOf(error)}`);
      }
    } finally {
      this.running = undefined;
      this.changes.fire();
    }
  }

  /** True when there is a file that fits. One that is damaged is deleted where it will be made anew. */
  private async useFile(target: CalibrationTarget, signal?: AbortSignal): Promise<boolean> {
    const { store, embeddedPath, log } = this.options;
    const { fingerprint, name } = target.info;
    const shipped = target.embedded ? await readFile(embeddedPath).catch(() => undefined) : undefined;
    const kept = await store?.read(fingerprint);
    for (const bytes of [shipped, kept]) {
      if (bytes === undefined) {
        continue;
      }
      try {
        await this.use(target, bytes, signal);
        return true;
      } catch (error) {
        if (isCancelled(error)) {
          throw error;
        }
        log.warn(`The KV calibration of ${name} cannot be used: ${reasonOf(error)}`);
        if (this.options.idleMs > 0 && bytes === kept && error instanceof EngineError && error.code === 'bad_file') {
          await store?.remove(fingerprint).catch(() => undefined);
        }
      }
    }
    return false;
  }

  private async make(target: CalibrationTarget, signal: AbortSignal): Promise<void> {
    const small = target.info.weightBytes <= smallModel && (await this.room(target, true)) >= fewestTokens;
    if (small && this.known === 'norms') {
      await this.learn(target, false, signal); // a moment; nobody's files shall wait for the rest
    }
    const bytes = await this.learn(target, small, signal);
    const { store, log } = this.options;
    await store?.write(target.info.fingerprint, bytes).then(
      (path) => {
        log.info(`Kept the KV calibration in ${path}.`);
      },
      (error: unknown) => {
        log.warn(`The KV calibration could not be kept, it will be made again: ${reasonOf(error)}`);
      },
    );
  }

  /**
   * Tokens that may be read: in half precision, to find careful layers beside a second cache, and both together must not take more
   * than any other.
   */
  private async room({ info, kv }: CalibrationTarget, careful: boolean): Promise<number> {
    const bytes = Math.floor(careful ? kv.budget / 2 : kv.budget);
    return Math.min(info.contextLength, await this.options.engine.kvTokensWithin(info, 'f16', bytes));
  }

  private async learn(
    target: CalibrationTarget,
    careful: boolean,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { engine, log, text } = this.options;
    const { handle, info } = target;
    const started = performance.now();
    const tokens = await engine.tokenize(handle, await text(), false);
    const room = await this.room(target, careful);
    if (room < fewestTokens) {
      throw new Error(`there is no room for ${String(fewestTokens)} tokens in the KV memory.`);
    }
    const { bytes, careful: found } = await calibrateKv(
      engine,
      { model: handle, tokens: tokens.slice(0, room), threads: Math.ceil(info.threads / 2), careful },
      { signal },
    );
    await this.use(target, bytes, signal);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const what = careful ? ` with ${String(found.length)} of ${String(info.layers)} layers at 8 bits` : '';
    log.info(`Calibrated the KV cache of ${info.name}${what} in ${seconds} s, for files opened from now on.`);
    return bytes;
  }

  /**
   * Rejects as cancelled when somebody has come to need the model meanwhile and works by the old plan; whoever comes later waits for
   * the new one (`settled`).
   */
  private async use(target: CalibrationTarget, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) {
      throw cancelled();
    }
    const applied = this.apply(target, bytes);
    this.applying = applied.catch(() => undefined);
    await applied;
  }

  private async apply(target: CalibrationTarget, bytes: Uint8Array): Promise<void> {
    const { source, carefulLayers } = await this.options.engine.useKvCalibration(target.handle, bytes);
    if (this.target === target) {
      this.known = source;
      await target.replan(carefulLayers);
      this.changes.fire();
    }
  }
}
