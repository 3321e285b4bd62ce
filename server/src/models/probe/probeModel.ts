/** Tries a loaded model on all snippets in all ways that there are, in the background. */
import { EngineSession, isCancelled, type EnginePort, type ModelHandle, type ModelInfo } from '../../engine';
import type { Strategy, StrategyKind } from '../../prompt';
import type { ProbeScores } from './decide';
import { scoreSnippet } from './score';
import { snippets } from './snippets';

/** What has been found so far, so that work that was broken off goes on where it was. */
export type ProbeProgress = Partial<Record<StrategyKind, (number | null)[]>>;

/** Tokens: the longest prompt of ours has some 300 with Qwen's vocabulary. */
const mostContext = 1024;

export interface ProbeRequest {
  readonly engine: EnginePort;
  readonly model: ModelHandle;
  readonly info: ModelInfo;
  readonly strategies: readonly Strategy[];
  /** Workers that may compute; half of the model's when absent. */
  readonly threads?: number;
}

/**
 * Adds to `progress` what it does not have. Rejects as cancelled when `signal` aborts or the model is unloaded. In half precision: what
 * is found is the model's, not its cache's.
 */
export async function probeModel(
  { engine, model, info, strategies, threads = Math.ceil(info.threads / 2) }: ProbeRequest,
  progress: ProbeProgress,
  signal: AbortSignal,
): Promise<ProbeScores> {
  const context = Math.min(info.contextLength, mostContext);
  const session = await EngineSession.open(engine, model, context);
  const subject = { engine, model, session, context, threads };
  try {
    for (const strategy of strategies) {
      const scores = (progress[strategy.kind] ??= []);
      for (const snippet of snippets.slice(scores.length)) {
        scores.push(await scoreSnippet(subject, strategy, snippet, signal));
      }
    }
  } finally {
    await session.close().catch((error: unknown) => {
      if (!isCancelled(error) && !signal.aborted) {
        throw error;
      }
    });
  }
  return progress;
}
