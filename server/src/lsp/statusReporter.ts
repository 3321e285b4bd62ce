/** Tells the client what the engine is doing: on every change, at most ten times a second. */
import {
  StatusNotification,
  StatusRequest,
  type EngineState,
  type JobCounts,
  type JobPriority,
  type KvTokenCounts,
  type KvTokens,
  type MemoryUse,
  type ServerStatus,
} from '#protocol';
import type { Connection } from 'vscode-languageserver/node';
import type { Completer } from '../completion';
import { Priority, type EnginePort, type JobStatus, type ModelJobs } from '../engine';
import type { ModelHost } from '../models';
import { Throttle } from '../util/throttle';

const intervalMs = 100;
const noTokens: KvTokenCounts = { reused: 0, shared: 0, restored: 0, shifted: 0, computed: 0, evicted: 0 };

export interface StatusDeps {
  readonly connection: Connection;
  readonly engine: EnginePort;
  readonly host: ModelHost;
  readonly completer: Completer;
  readonly quiet: () => Promise<boolean>;
}

/** Priorities that have no job are left out. */
export function countJobs(jobs: readonly JobStatus[]): JobCounts[] {
  return (Object.keys(Priority) as JobPriority[]).flatMap((priority) => {
    const states = jobs.filter((job) => job.priority === Priority[priority]).map(({ state }) => state);
    const count = (wanted: string): number => states.filter((state) => state === wanted).length;
    const counts = { running: count('running'), paused: count('paused'), waiting: count('waiting') };
    return states.length === 0 ? [] : [{ priority, ...counts }];
  });
}

export class StatusReporter {
  private readonly throttle: Throttle;

  constructor(private readonly deps: StatusDeps) {
    const { connection, host, completer } = deps;
    this.throttle = new Throttle(() => {
      void this.send();
    }, intervalMs);
    connection.onRequest(StatusRequest.type, () => this.status());
    const changed = (): void => {
      this.changed();
    };
    host.changes.add(changed);
    completer.changes.add(changed);
  }

  changed(): void {
    this.throttle.request();
  }

  dispose(): void {
    this.throttle.dispose();
  }

  private async send(): Promise<void> {
    const status = await this.status();
    // A connection that is being closed takes no more messages; there is nobody left to tell.
    await this.deps.connection.sendNotification(StatusNotification.type, status).catch(() => undefined);
  }

  private async status(): Promise<ServerStatus> {
    const { host, completer } = this.deps;
    // What takes its time first, so that the rest is of one moment.
    const [quiet, kv, kvTokens, work] = await Promise.all([
      this.deps.quiet(),
      this.kvBytes(),
      this.kvTokens(),
      this.jobs(),
    ]);
    const state: EngineState = host.state === 'ready' && completer.busy ? 'busy' : host.state;
    const info = host.model?.info;
    const memory: MemoryUse = {
      weights: info?.weightBytes ?? 0,
      kv,
      scratch: info === undefined ? 0 : Math.max(info.scratchBytes, work.scratchBytes),
      process: process.memoryUsage.rss(),
    };
    return {
      pid: process.pid,
      state,
      model: info?.name ?? '',
      embedded: host.model?.embedded ?? false,
      kernels: info?.kernels ?? '',
      threads: info?.threads ?? 0,
      quiet,
      memory,
      jobs: countJobs(work.jobs),
      tokensPerSecond: completer.counters.tokensPerSecond,
      problem: host.problem,
      counters: completer.counters.snapshot(),
      kvTokens,
    };
  }

  private async kvTokens(): Promise<KvTokens> {
    const { engine, host } = this.deps;
    const none = { completion: noTokens, chat: noTokens, agent: noTokens, other: noTokens };
    return host.model === undefined ? none : engine.kvCounters(host.model.handle).catch(() => none);
  }

  private async kvBytes(): Promise<number> {
    const { engine, host } = this.deps;
    // A model that is unloaded in this moment holds nothing.
    return host.model === undefined ? 0 : engine.kvBytes(host.model.handle).catch(() => 0);
  }

  private async jobs(): Promise<ModelJobs> {
    const { engine, host } = this.deps;
    const none: ModelJobs = { jobs: [], scratchBytes: 0 };
    return host.model === undefined ? none : engine.jobs(host.model.handle).catch(() => none);
  }
}
