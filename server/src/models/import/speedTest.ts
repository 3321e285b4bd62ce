/**
 * How fast a loaded model reads and writes on this machine, tried for about two seconds at background priority: whoever types meanwhile
 * does not wait. Time for which the test was paused does not count.
 */
import type { ModelSpeed } from '#protocol';
import { cancelled, EngineSession, type EnginePort, type ModelHandle, type ModelInfo, Priority } from '../../engine';

/** Milliseconds of work for each of the two. */
const enoughMs = 1000;
/** Tokens: the first to wake the workers up, then more at once, as prompts have them. */
const steps = [16, 64, 128, 256, 512, 1024, 2048];
const mostWritten = 256;

export interface SpeedRequest {
  readonly engine: EnginePort;
  readonly model: ModelHandle;
  readonly info: ModelInfo;
  /** Of any kind; it is repeated where it is short. */
  readonly text: string;
  readonly signal: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** Rejects as cancelled with the signal. */
export async function measureSpeed(request: SpeedRequest): Promise<ModelSpeed> {
  const { engine, model, info, text, signal, onProgress } = request;
  const tokens = await engine.tokenize(model, text, false);
  if (tokens.length === 0) {
    throw new Error('There is no text to read.');
  }
  const prompt = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => tokens[i % tokens.length] ?? 0);
  const most = steps.reduce((sum, step) => sum + step, 0);
  const context = Math.min(info.contextLength, most + mostWritten);
  const session = await EngineSession.open(engine, model, context);
  const sampling = info.eos >= 0 ? { banned: [info.eos] } : {};
  try {
    let [read, readMs, prefill] = [0, 0, 0];
    for (const step of steps) {
      const fits = read + step + 16 <= context;
      const tooLong = prefill > 0 && readMs + (step / prefill) * 1000 > 1.5 * enoughMs;
      if (!fits || tooLong || readMs >= enoughMs) {
        break;
      }
      const result = await session.generate(
        { priority: Priority.background, tokens: prompt(read + step), maxTokens: 0 },
        { signal },
      );
      read += step;
      readMs += result.prefillMs;
      // Of the last, largest step alone: small ones are slower a token.
      prefill = result.evaluated / Math.max(result.prefillMs / 1000, 1e-6);
      onProgress?.(Math.min(0.5, readMs / enoughMs / 2));
    }
    const enough = new AbortController();
    let written = 0;
    let started: number | undefined;
    const result = await session.generate(
      {
        priority: Priority.background,
        tokens: prompt(read),
        maxTokens: Math.min(mostWritten, context - read),
        sampling,
      },
      {
        signal: AbortSignal.any([signal, enough.signal]),
        onEvent: ({ kind }) => {
          if (kind === 'token') {
            written += 1;
            started ??= performance.now();
            const ms = performance.now() - started;
            onProgress?.(Math.min(1, 0.5 + ms / enoughMs / 2));
            if (ms >= enoughMs && written > 1) {
              enough.abort();
            }
          }
        },
      },
    );
    if (signal.aborted) {
      throw cancelled();
    }
    const decode = result.tokens.length / Math.max(result.decodeMs / 1000, 1e-6);
    return { prefill, decode, threads: info.threads, kernels: info.kernels, measuredAt: Date.now() };
  } finally {
    await session.close();
  }
}
