/** How much of the machine a completion may take. */
export interface Effort {
  /** Typing must have paused for so long. */
  readonly pauseMs: number;
  /** Of the model's threads. */
  readonly threadShare: number;
  readonly maxTokens: number;
  readonly maxLines: number;
}

export const fullEffort: Effort = { pauseMs: 0, threadShare: 1, maxTokens: Infinity, maxLines: Infinity };

/**
 * For batteries and ears: most keystrokes are followed by another one within 300 ms, so most of the work is never begun; half of
 * the threads keep the processor out of its highest frequencies.
 */
export const quietEffort: Effort = { pauseMs: 300, threadShare: 0.5, maxTokens: 32, maxLines: 1 };
