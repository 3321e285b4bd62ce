/**
 * The model that answers: which one it is, loading another in its place, and what to do when that fails. Loads are done one
 * after the other; the loaded model goes on answering until its successor is ready, and stays when there is none. A model is
 * loaded when somebody first needs it and unloaded when nobody has used it for a while.
 */
import {
  cancelled,
  EngineError,
  type EnginePort,
  type KvCalibrationSource,
  type ModelHandle,
  type ModelInfo,
} from '../engine';
import { Listeners } from '../util/listeners';
import type { Log } from '../util/log';
import { heldBudget, kvBudget, machineMemory, type MachineMemory } from './budget';
import { IdleTimer } from './idleTimer';
import type { KvCalibrator } from './kvCalibrator';
import { calibrationInWords, contextInWords, planKv, type KvPlan, type KvSettings } from './kvPlan';
import type { StrategyProbe } from './probe';
import { profileFor, profileSource, type CompletionProfile, type ProfileSource } from './profile';
import { chooseStrategy, type StrategyChoice, type StrategyFinding } from './strategies';

export interface LoadedModel {
  readonly handle: ModelHandle;
  readonly info: ModelInfo;
  readonly embedded: boolean;
  /** Changes with the way in which the model is asked: to be read when it is needed, not kept. */
  readonly profile: CompletionProfile;
  /** Changes with the model's calibration, which may come later: to be read when it is needed, not kept. */
  readonly kv: KvPlan;
}

export interface ModelChoice extends KvSettings {
  /** '' = the embedded model. */
  readonly path: string;
  /** 0 = automatic. */
  readonly threads: number;
}

/** The embedded model, and all else as it suits the machine. */
export const automaticChoice: ModelChoice = {
  path: '',
  threads: 0,
  maxContextTokens: 0,
  kvCodec: 'kv4',
  kvMemoryMB: 0,
};

/** asleep: what to load is known, and will be loaded when somebody needs it. */
export type ModelState = 'starting' | 'asleep' | 'loading' | 'ready' | 'failed';

/** '' = success; otherwise a sentence for the user. */
export type Problem = string;

export interface ModelHostOptions {
  readonly engine: EnginePort;
  readonly embeddedPath: string;
  readonly log: Log;
  /** Absent = the system's figures. */
  readonly memory?: () => MachineMemory;
  /** Absent = caches go by the model's norm weights. */
  readonly calibrator?: KvCalibrator;
  /** Why a file is not loaded although it could be: a sentence, '' = it is. Absent = all are. */
  readonly problemOf?: (path: string) => Promise<Problem>;
  /** Absent = models whose files do not say how they are asked are asked with the prefix alone. */
  readonly probe?: StrategyProbe;
  /** false: nothing answers where a model cannot be loaded. Absent = the embedded model does. */
  readonly fallback?: boolean;
}

/** What profiles of the loaded model are made of. */
interface Asking {
  readonly source: ProfileSource;
  finding: StrategyFinding | undefined;
}

/** Tokens: enough to begin with. */
const smallestContext = 256;

function sameChoice(a: ModelChoice, b: ModelChoice): boolean {
  return (
    a.path === b.path &&
    a.threads === b.threads &&
    a.maxContextTokens === b.maxContextTokens &&
    a.kvCodec === b.kvCodec &&
    a.kvMemoryMB === b.kvMemoryMB
  );
}

export class ModelHost {
  readonly changes = new Listeners();
  private loaded: LoadedModel | undefined;
  private reprofile: () => void = () => undefined;
  private strategy: StrategyChoice = 'auto';
  private currentState: ModelState = 'starting';
  private currentProblem: Problem = '';
  /** What was last asked for, whether or not it could be loaded. */
  private choice: ModelChoice | undefined;
  private work: Promise<unknown> = Promise.resolve();
  private loads = 0;
  /** Jobs that need the model to stay. */
  private users = 0;
  private readonly idle = new IdleTimer(() => {
    void this.sleep();
  });

  constructor(private readonly options: ModelHostOptions) {
    options.calibrator?.changes.add(() => {
      this.changes.fire();
    });
  }

  get state(): ModelState {
    return this.currentState;
  }

  get problem(): Problem {
    return this.currentProblem;
  }

  get model(): LoadedModel | undefined {
    return this.loaded;
  }

  /** What new sessions of the loaded model know of its keys. */
  get kvCalibration(): KvCalibrationSource {
    return this.options.calibrator?.source ?? 'norms';
  }

  /** The model, once what is being loaded is there. Undefined when there is none; rejects as cancelled with the signal. */
  async ready(signal: AbortSignal): Promise<LoadedModel | undefined> {
    this.wake();
    while (this.loaded === undefined && this.loads > 0) {
      await this.settled(signal);
    }
    return this.loaded;
  }

  /** Gives `work` the model as soon as it is there; it stays at least until `work` has ended. Undefined when there is none. */
  async use<T>(signal: AbortSignal, work: (model: LoadedModel) => Promise<T>): Promise<T | undefined> {
    this.users += 1;
    this.options.calibrator?.interrupt();
    try {
      const model = await this.ready(signal);
      await this.options.calibrator?.settled();
      return model === undefined ? undefined : await work(model);
    } finally {
      this.users -= 1;
      this.idle.touch();
      this.options.calibrator?.touch();
      this.options.probe?.touch();
    }
  }

  /**
   * The same for what nobody waits for: only where a model is loaded, and without counting as a use of it. Undefined where none is.
   */
  async lend<T>(work: (model: LoadedModel) => Promise<T>): Promise<T | undefined> {
    const model = this.loaded;
    this.users += 1;
    try {
      await this.options.calibrator?.settled();
      return model === undefined || model !== this.loaded ? undefined : await work(model);
    } finally {
      this.users -= 1;
    }
  }

  /** Remembers what the settings ask for until somebody needs it. */
  expect(choice: ModelChoice): void {
    this.choice = choice;
    if (this.loaded === undefined && this.loads === 0) {
      this.setState('asleep');
    }
  }

  /** Begins to load what is expected, when nothing is loaded: somebody is going to need it. */
  wake(): void {
    if (this.currentState === 'asleep' && this.choice !== undefined) {
      void this.load(this.choice).catch(() => undefined);
    }
  }

  /** Frees the model until somebody needs it again, unless it is in use. */
  async sleep(): Promise<void> {
    if (this.loaded === undefined) {
      return;
    }
    await this.enqueue(async () => {
      if (this.users === 0 && this.loaded !== undefined) {
        this.options.log.info(`Unloaded ${this.loaded.info.name}: nobody has used it for a while.`);
        await this.drop();
        return 'asleep';
      }
      this.idle.touch();
      return undefined;
    }, 'ready');
  }

  /** Frees the model now, whoever uses it: its jobs end. Nothing is loaded until something is expected. */
  async unload(): Promise<void> {
    await this.enqueue(async () => {
      await this.drop();
      this.choice = undefined;
      return 'asleep';
    }, this.currentState);
  }

  /** Time without use after which the model is freed, 0 = never. */
  setUnloadAfter(ms: number): void {
    this.idle.setAfter(ms);
  }

  /** How models are asked from now on, the loaded one included. */
  setStrategy(strategy: StrategyChoice): void {
    if (strategy !== this.strategy) {
      this.strategy = strategy;
      this.reprofile();
      this.changes.fire();
    }
  }

  /** Loads what the settings ask for, unless that is what was last asked for. */
  async choose(choice: ModelChoice): Promise<Problem> {
    if (this.choice !== undefined && sameChoice(this.choice, choice)) {
      return this.currentProblem;
    }
    if (this.currentState === 'asleep' && this.choice?.path === choice.path) {
      this.expect(choice); // the same file in another way: that can wait until somebody needs it
      return this.currentProblem;
    }
    return this.load(choice);
  }

  /** Loads now, even when the file is the one that is loaded: it may have changed. */
  async load(choice: ModelChoice): Promise<Problem> {
    this.choice = choice;
    let problem = '';
    await this.enqueue(async () => {
      this.currentProblem = await this.replace(choice);
      if (this.loaded === undefined && choice.path !== '' && this.options.fallback !== false) {
        const more = await this.replace({ ...choice, path: '' });
        this.currentProblem += more === '' ? ' The built-in model is used instead.' : ` ${more}`;
      } else if (this.currentProblem !== '' && this.loaded !== undefined) {
        this.currentProblem += ` ${this.loaded.info.name} is used instead.`;
      }
      this.idle.touch();
      problem = this.currentProblem;
      return undefined;
    });
    return problem;
  }

  /** Ends all jobs, frees the model and loads what was last asked for again. */
  restart(): Promise<Problem> {
    const choice = this.choice ?? automaticChoice;
    void this.enqueue(() => this.drop()).catch(() => undefined);
    return this.load(choice);
  }

  async dispose(): Promise<void> {
    this.idle.stop();
    this.options.calibrator?.forget();
    this.options.probe?.forget();
    await this.enqueue(() => this.drop());
  }

  /** One thing after the other. `action` may say in which state it leaves the host. */
  private async enqueue(
    action: () => Promise<ModelState | undefined>,
    meanwhile: ModelState = 'loading',
  ): Promise<void> {
    this.loads += 1;
    const result = this.work.then(async () => {
      let end: ModelState | undefined;
      this.setState(meanwhile);
      try {
        end = await action();
      } finally {
        this.loads -= 1;
        end ??= this.loaded === undefined ? 'failed' : 'ready';
        this.setState(this.loads > 0 ? 'loading' : end);
      }
    });
    this.work = result.catch(() => undefined);
    return result;
  }

  private async replace(choice: ModelChoice): Promise<Problem> {
    const { engine, embeddedPath, log, calibrator, probe } = this.options;
    const embedded = choice.path === '';
    const path = embedded ? embeddedPath : choice.path;
    const started = performance.now();
    try {
      const problem = embedded ? '' : ((await this.options.problemOf?.(path)) ?? '');
      if (problem !== '') {
        throw new EngineError('bad_file', problem);
      }
      await this.checkMemory(path);
      const { model, info } = await engine.load({
        path,
        ...(choice.threads > 0 ? { threads: choice.threads } : {}),
      });
      const budget = kvBudget(choice.kvMemoryMB, this.memory());
      const asking: Asking = { source: await profileSource(engine, model, info), finding: undefined };
      const hold = ({ bytes }: KvPlan): Promise<void> =>
        engine.setKvBudget(model, heldBudget(choice.kvMemoryMB, budget, bytes));
      const next = {
        handle: model,
        info,
        embedded,
        profile: this.profileOf(asking),
        kv: await planKv(engine, info, choice, budget),
        replan: async (carefulLayers: number): Promise<void> => {
          next.kv = await planKv(engine, info, choice, budget, carefulLayers);
          await hold(next.kv);
        },
      };
      await hold(next.kv);
      await this.drop();
      await calibrator?.prepare(next);
      this.reprofile = (): void => {
        next.profile = this.profileOf(asking);
      };
      this.reprofile(); // the setting may have changed since
      await probe?.prepare({
        handle: model,
        info,
        strategies: asking.source.strategies,
        found: (finding) => {
          asking.finding = finding;
          next.profile = this.profileOf(asking);
          this.changes.fire();
        },
      });
      this.loaded = next;
      log.info(
        `Loaded ${info.name} (${path}) in ${(performance.now() - started).toFixed(0)} ms: kernels ${info.kernels}, ` +
          `${String(info.threads)} threads.`,
      );
      log.info(`Context: ${contextInWords(next.kv)}; ${calibrationInWords(next.kv, this.kvCalibration)}.`);
      if (next.kv.note !== '') {
        log.warn(next.kv.note);
      }
      return '';
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const problem = reason.includes(path) ? reason : `The model ${path} could not be loaded: ${reason}`;
      log.error(problem);
      return /[.!]$/.test(problem) ? problem : `${problem}.`;
    }
  }

  private profileOf({ source, finding }: Asking): CompletionProfile {
    const chosen = chooseStrategy(
      source.strategies,
      this.strategy,
      finding,
      source.strategies.available.length < 2
        ? 'The model can do nothing else.'
        : 'Its file does not say how it is asked, and it has not been tried yet.',
    );
    return profileFor(source, chosen);
  }

  /**
   * A model that the machine has no room for would take it down, again and again: the settings name it. Rejects as `out_of_memory`, and
   * with the engine's reason where the file cannot be loaded.
   */
  async checkMemory(path: string): Promise<void> {
    const { weights, scratch } = await this.options.engine.estimate({ path }, smallestContext);
    const { free } = this.memory();
    if (weights + scratch > free) {
      const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
      throw new EngineError(
        'out_of_memory',
        `The model ${path} needs ${gigabytes(weights + scratch)} GB of memory, ${gigabytes(free)} GB are free. ` +
          'Close other programs or choose a smaller model.',
      );
    }
  }

  private memory(): MachineMemory {
    return this.options.memory?.() ?? machineMemory();
  }

  private async drop(): Promise<undefined> {
    const old = this.loaded;
    this.options.calibrator?.forget();
    this.options.probe?.forget();
    this.reprofile = () => undefined;
    this.loaded = undefined;
    if (old !== undefined) {
      await this.options.engine.unload(old.handle);
    }
  }

  private setState(state: ModelState): void {
    this.currentState = state;
    this.changes.fire();
  }

  /** Resolves at the next change. */
  private settled(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(cancelled());
        return;
      }
      const end = (): void => {
        off();
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        end();
        reject(cancelled());
      };
      const off = this.changes.add(() => {
        end();
        resolve();
      });
      signal.addEventListener('abort', abort);
    });
  }
}
