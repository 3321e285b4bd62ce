/**
 * Finds out how a model wants to be asked, where its file does not say: once a model, when nobody has needed it for a moment. The work
 * is of background priority, so whoever types meanwhile does not wait for it; what comes out is kept by the model's fingerprint. Until
 * then, and where the machine is to be spared, the model is asked with the prefix alone.
 */
import { isCancelled, type EnginePort, type ModelHandle, type ModelInfo } from '../../engine';
import type { Log } from '../../util/log';
import { IdleTimer } from '../idleTimer';
import type { ModelStrategies, StrategyFinding } from '../strategies';
import { decide, type ProbeScores } from './decide';
import type { FindingStore } from './findingStore';
import { probeModel, type ProbeProgress } from './probeModel';

export interface StrategyProbeOptions {
  readonly engine: EnginePort;
  readonly log: Log;
  /** Absent = what is found is forgotten with the process. */
  readonly store?: FindingStore;
  /** Without use, before the work begins. */
  readonly idleMs: number;
  /** Whether the machine may be kept busy now; asked once the time has come, and not again before the next use. */
  readonly mayWork: () => Promise<boolean>;
}

export interface ProbeTarget {
  readonly handle: ModelHandle;
  readonly info: ModelInfo;
  readonly strategies: ModelStrategies;
  /** Called with what has been found, at once or later. */
  readonly found: (finding: StrategyFinding) => void;
}

export class StrategyProbe {
  private target: ProbeTarget | undefined;
  private running: AbortController | undefined;
  /** Of this process, by fingerprint. */
  private readonly progress = new Map<string, ProbeProgress>();
  private readonly idle = new IdleTimer(() => {
    void this.work();
  });

  constructor(private readonly options: StrategyProbeOptions) {}

  /** To be called when a model has been loaded. Resolves when what is known of it has been told. */
  async prepare(target: ProbeTarget): Promise<void> {
    this.forget();
    const { named, available } = target.strategies;
    if (named !== undefined || available.length < 2) {
      return; // there is nothing to find out
    }
    const scores = await this.options.store?.read(target.info.fingerprint);
    if (scores !== undefined && available.every(({ kind }) => scores[kind] !== undefined)) {
      this.tell(target, scores);
      return;
    }
    this.target = target;
    this.idle.setAfter(this.options.idleMs);
    this.idle.touch();
  }

  /** The model is going. */
  forget(): void {
    this.target = undefined;
    this.idle.setAfter(0);
    this.running?.abort();
  }

  /** Somebody has used the model. */
  touch(): void {
    if (this.target !== undefined) {
      this.idle.touch();
    }
  }

  private async work(): Promise<void> {
    const { engine, log, mayWork, store } = this.options;
    const { target } = this;
    if (target === undefined || this.running !== undefined) {
      return;
    }
    const { handle, info, strategies } = target;
    const controller = new AbortController();
    this.running = controller;
    try {
      if (!(await mayWork()) || controller.signal.aborted) {
        return;
      }
      const started = performance.now();
      const progress = this.progress.get(info.fingerprint) ?? {};
      this.progress.set(info.fingerprint, progress);
      const request = { engine, model: handle, info, strategies: strategies.available };
      const scores = await probeModel(request, progress, controller.signal);
      const kind = this.tell(target, scores);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      log.info(`Tried how ${info.name} is best asked: ${kind ?? 'too little room to tell'}, after ${seconds} s.`);
      this.end();
      await store?.write(info.fingerprint, scores).catch((error: unknown) => {
        log.warn(`What was found out about ${info.name} could not be kept: ${String(error)}`);
      });
    } catch (error) {
      if (!isCancelled(error) && !controller.signal.aborted) {
        this.end(); // it would fail again
        log.warn(`How ${info.name} is best asked could not be tried: ${String(error)}`);
      }
    } finally {
      this.running = undefined;
      if (this.target !== undefined && this.target !== target) {
        this.idle.touch(); // another model came meanwhile
      }
    }
  }

  private end(): void {
    this.target = undefined;
    this.idle.setAfter(0);
  }

  private tell(target: ProbeTarget, scores: ProbeScores): string | undefined {
    const finding = decide(scores);
    if (finding !== undefined) {
      target.found(finding);
    }
    return finding?.kind;
  }
}
