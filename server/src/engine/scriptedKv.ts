/** The scripted engine's KV cache: sizes that are easily reckoned, calibrations that are a text, measurements that are given. */
import { sleep } from '../util/sleep';
import { cancelled } from './errors';
import {
  EngineError,
  kvCodecs,
  type CalibrateKvRequest,
  type JobId,
  type KvCalibration,
  type KvCalibrationState,
  type KvCodec,
  type KvCounters,
  type KvQuality,
  type KvShape,
  type KvTokenCounts,
  type KvUser,
  type MeasureKvRequest,
} from './port';

const bits: Readonly<Record<KvCodec, number>> = { f16: 16, kv8: 8, kv4: 4, kv43: 3.5, kv3: 3 };
/** Between two progress reports and looks at the cancel signal. */
const steps = 4;
const fewestTokens = 256;
const nothingCounted: KvTokenCounts = {
  reused: 0,
  shared: 0,
  restored: 0,
  shifted: 0,
  computed: 0,
  evicted: 0,
};

/** Keys and values, in bytes. */
export function scriptedKvBytes(shape: KvShape, codec: KvCodec, tokens: number, careful = 0): number {
  const layerBits = (shape.layers - careful) * bits[codec] + careful * Math.max(8, bits[codec]);
  return Math.ceil((2 * shape.kvHeads * shape.headSize * tokens * layerBits) / 8);
}

export function scriptedKvTokens(shape: KvShape, codec: KvCodec, bytes: number, careful = 0): number {
  return Math.floor(bytes / scriptedKvBytes(shape, codec, 1000, careful)) * 1000;
}

/** As with the real one, heads of 80 cannot be rotated. */
export function scriptedKvFits(shape: KvShape, codec: KvCodec): boolean {
  return codec === 'f16' || Number.isInteger(Math.log2(shape.headSize));
}

export function scriptedCalibration(fingerprint: string, carefulLayers = 0): Uint8Array {
  return new TextEncoder().encode(`calibration of ${fingerprint}, careful ${String(carefulLayers)}`);
}

export interface ScriptedKvOptions {
  /** How long a calibration or a measurement takes. */
  readonly kvMs?: number;
  readonly quality?: (request: MeasureKvRequest) => Partial<KvQuality>;
  /** The careful layers that a calibration finds when it is asked to look for them. */
  readonly careful?: readonly number[];
}

export class ScriptedKv {
  /** Calibrations that have ended well. */
  calibrations = 0;
  /** Bytes, as was last said. */
  budget = 0;
  private readonly counts = new Map<KvUser, KvTokenCounts>();
  private readonly jobs = new Map<JobId, AbortController>();

  constructor(private readonly options: ScriptedKvOptions) {}

  count(user: KvUser, { reused, evaluated }: { readonly reused: number; readonly evaluated: number }): void {
    const before = this.counts.get(user) ?? nothingCounted;
    this.counts.set(user, {
      ...before,
      reused: before.reused + reused,
      computed: before.computed + evaluated,
    });
  }

  counters(): KvCounters {
    const of = (user: KvUser): KvTokenCounts => this.counts.get(user) ?? nothingCounted;
    return { completion: of('completion'), chat: of('chat'), agent: of('agent'), other: of('other') };
  }

  cancel(job: JobId): void {
    this.jobs.get(job)?.abort();
  }

  cancelAll(): void {
    for (const job of this.jobs.values()) {
      job.abort();
    }
  }

  async calibrate(
    request: CalibrateKvRequest,
    fingerprint: string,
    onProgress: (share: number) => void,
  ): Promise<KvCalibration> {
    if (request.tokens.length < fewestTokens) {
      throw new EngineError('invalid_argument', `A calibration needs ${String(fewestTokens)} tokens.`);
    }
    await this.work(request.job, onProgress);
    this.calibrations += 1;
    const careful = request.careful === true ? (this.options.careful ?? []) : [];
    return {
      bytes: scriptedCalibration(fingerprint, careful.length),
      layers: [{ meanRatio: 0.5, channelRatio: 4, scaledRatio: 2 }],
      careful,
    };
  }

  use(bytes: Uint8Array, fingerprint: string): KvCalibrationState {
    const [, of, careful] =
      /^calibration of (\w+), careful (\d+)$/.exec(new TextDecoder().decode(bytes)) ?? [];
    if (of !== fingerprint) {
      throw new EngineError('bad_file', 'the KV calibration is damaged; delete it and make it again');
    }
    return { source: 'text', carefulLayers: Number(careful) };
  }

  async measure(request: MeasureKvRequest, onProgress: (share: number) => void): Promise<KvQuality> {
    await this.work(request.job, onProgress);
    const exact = request.codec === kvCodecs[0];
    return {
      codec: request.codec,
      positions: request.tokens.length,
      meanKl: exact ? 0 : 0.001,
      p999Kl: exact ? 0 : 0.01,
      maxKl: exact ? 0 : 0.02,
      top1: 1,
      top1Clear: 1,
      clearPositions: request.tokens.length,
      perplexityF16: 10,
      perplexity: 10,
      bytes: 0,
      bytesF16: 0,
      ...this.options.quality?.(request),
    };
  }

  private async work(job: JobId, onProgress: (share: number) => void): Promise<void> {
    const abort = new AbortController();
    this.jobs.set(job, abort);
    try {
      for (let step = 1; step <= steps; step += 1) {
        await sleep((this.options.kvMs ?? 0) / steps, abort.signal);
        if (abort.signal.aborted) {
          throw cancelled();
        }
        onProgress(step / steps);
      }
    } finally {
      this.jobs.delete(job);
    }
  }
}
