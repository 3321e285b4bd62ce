/** Numbers for jobs, and long jobs on a model with an AbortSignal. */
import { cancelled } from './errors';
import type {
  CalibrateKvRequest,
  EnginePort,
  JobId,
  KvCalibration,
  KvQuality,
  MeasureKvRequest,
} from './port';

let lastJob = 0;

/** Unique among all jobs of this process. */
export function newJob(): JobId {
  lastJob += 1;
  return lastJob;
}

export interface JobOptions {
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** Runs `start` with a job's number; the signal cancels it. Rejects as cancelled when the signal has aborted already. */
export async function withJob<T>(
  port: EnginePort,
  signal: AbortSignal | undefined,
  start: (job: JobId) => Promise<T>,
): Promise<T> {
  if (signal?.aborted === true) {
    throw cancelled();
  }
  const job = newJob();
  const abort = (): void => {
    port.cancel(job);
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await start(job);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

const quietly = (): void => undefined;

export function calibrateKv(
  port: EnginePort,
  request: Omit<CalibrateKvRequest, 'job'>,
  { signal, onProgress = quietly }: JobOptions = {},
): Promise<KvCalibration> {
  return withJob(port, signal, (job) => port.calibrateKv({ ...request, job }, onProgress));
}

export function measureKv(
  port: EnginePort,
  request: Omit<MeasureKvRequest, 'job'>,
  { signal, onProgress = quietly }: JobOptions = {},
): Promise<KvQuality> {
  return withJob(port, signal, (job) => port.measureKv({ ...request, job }, onProgress));
}
