/** The part of the port that is about who computes: jobs that run, were put aside or wait (native/src/schedule/scheduler.h). */
import type { JobId, Priority } from './port';

/** At most one job of a model runs. One that is paused goes on where it was when nothing more urgent is left. */
export type JobState = 'running' | 'paused' | 'waiting';

export interface JobStatus {
  readonly job: JobId;
  readonly priority: Priority;
  readonly state: JobState;
  /** Tokens of its prompt (of its text, for jobs on a model) that are evaluated, what was cached included, and all of them. */
  readonly done: number;
  readonly total: number;
  /** Tokens said so far. */
  readonly decoded: number;
}

export interface ModelJobs {
  /** Those that were started first, each part in the order in which they came. */
  readonly jobs: readonly JobStatus[];
  /**
   * Bytes of activations and logits that the model holds now: `ModelInfo.scratchBytes` for what runs, as much for every job that is
   * paused in the middle of a chunk (one of each priority at the most), and after the first pause for a spare.
   */
  readonly scratchBytes: number;
}
