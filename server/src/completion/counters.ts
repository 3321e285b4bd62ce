/** What completion has done since the server started. Tests and the engine-info page read them. */
import type { CompletionCounters } from '#protocol';

export class Counters {
  private values: CompletionCounters = {
    requests: 0,
    runs: 0,
    typedAlong: 0,
    cancelled: 0,
    tokensReused: 0,
    tokensEvaluated: 0,
    tokensWarmed: 0,
    tokensDecoded: 0,
  };
  /** Of the last completion that decoded any tokens. */
  tokensPerSecond = 0;

  add(name: keyof CompletionCounters, amount = 1): void {
    this.values = { ...this.values, [name]: this.values[name] + amount };
  }

  snapshot(): CompletionCounters {
    return this.values;
  }
}
