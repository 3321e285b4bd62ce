/** The scripted engine's jobs: they wait, run one at a time, and end, each with its outcome written down. */
import { cancelled, invalidArgument } from './errors';
import type { GenerateEvent, GenerateRequest, GenerateResult, JobId, JobStatus } from './port';

/** A job that waits or runs, on a session of whatever kind. */
export interface QueuedJob<Session> {
  readonly session: Session;
  readonly request: GenerateRequest;
  readonly onEvent: (event: GenerateEvent) => void;
  readonly signal: AbortSignal;
  /** By performance.now(). */
  readonly submitted: number;
}

interface Waiting<Session> extends QueuedJob<Session> {
  decoded: number;
  done: number;
  readonly abort: AbortController;
  readonly resolve: (result: GenerateResult) => void;
  readonly reject: (error: unknown) => void;
  readonly endListeners: (() => void)[];
}

export class ScriptedQueue<Session> {
  private readonly jobsById = new Map<JobId, Waiting<Session>>();
  private readonly queue: Waiting<Session>[] = [];
  private busy = false;

  /**
   * @param run computes a job, and throws when its signal says so
   * @param onEnd is told of every job that has ended, with its result or error
   */
  constructor(
    private readonly run: (job: QueuedJob<Session>) => Promise<GenerateResult>,
    private readonly onEnd: (request: GenerateRequest, outcome: unknown) => void,
  ) {}

  /** Jobs that wait or run. */
  get inFlight(): number {
    return this.jobsById.size;
  }

  /** Those on sessions that `mine` accepts. */
  statuses(mine: (session: Session) => boolean): JobStatus[] {
    return this.jobsOf(mine).map((one) => ({
      job: one.request.job,
      priority: one.request.priority,
      state: this.queue.includes(one) ? 'waiting' : 'running',
      done: one.done,
      total: one.request.tokens.length,
      decoded: one.decoded,
    }));
  }

  /** Rejects with what `run` throws; throws itself when the job's number is in use. */
  submit(
    session: Session,
    request: GenerateRequest,
    onEvent: (event: GenerateEvent) => void,
  ): Promise<GenerateResult> {
    if (this.jobsById.has(request.job)) {
      throw invalidArgument(`Job ${String(request.job)} is still in flight. Give every job its own number.`);
    }
    return new Promise((resolve, reject) => {
      const abort = new AbortController();
      const job: Waiting<Session> = {
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
        signal: abort.signal,
        submitted: performance.now(),
        resolve,
        reject,
        endListeners: [],
      };
      this.jobsById.set(request.job, job);
      this.queue.push(job);
      void this.pump();
    });
  }

  cancel(id: JobId): void {
    const job = this.jobsById.get(id);
    if (job !== undefined) {
      this.abort(job);
    }
  }

  /** Cancels a session's jobs and resolves when all have ended. */
  async cancelAll(session: Session): Promise<void> {
    const mine = this.jobsOf((other) => other === session);
    const ended = mine.map(
      (job) =>
        new Promise<void>((resolve) => {
          job.endListeners.push(resolve);
        }),
    );
    for (const job of mine) {
      this.abort(job);
    }
    await Promise.all(ended);
  }

  private jobsOf(mine: (session: Session) => boolean): Waiting<Session>[] {
    return [...this.jobsById.values()].filter(({ session }) => mine(session));
  }

  /** A waiting job ends at once; a running one at its next pause. */
  private abort(job: Waiting<Session>): void {
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

  private succeed(job: Waiting<Session>, result: GenerateResult): void {
    this.end(job, result);
    job.resolve(result);
  }

  private fail(job: Waiting<Session>, error: unknown): void {
    this.end(job, error);
    job.reject(error);
  }

  private end(job: Waiting<Session>, outcome: unknown): void {
    this.jobsById.delete(job.request.job);
    this.onEnd(job.request, outcome);
    for (const listener of job.endListeners) {
      listener();
    }
  }
}
