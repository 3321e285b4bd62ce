/**
 * How long to wait for a pause in typing before the model is asked: 0 to 150 ms, by what a run of the engine takes here and how fast the
 * keys come. Where a run is over before the next key comes, waiting would only make it late. Where it is not, most runs would be begun
 * for nothing: what they have read stays, but what they have written is thrown away, and the machine gets warm.
 */

/** Milliseconds. */
export const longestWait = 150;
/** Longer gaps between keys are pauses, and tell nothing of how fast somebody types. */
const longestGap = 1000;
/** Runs and gaps that count: habits and files change. */
const remembered = 16;
/** Fewer tell nothing. */
const fewest = 3;

/** The value below which `share` of them lie. `values` are not empty. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}

function keep(values: number[], value: number): void {
  values.push(value);
  values.splice(0, values.length - remembered);
}

export class AdaptiveDebounce {
  private readonly runs: number[] = [];
  private readonly gaps: number[] = [];
  private lastKey: number | undefined;

  /** A key was pressed at `now`, in milliseconds of any clock that only goes forward. */
  key(now: number): void {
    const gap = this.lastKey === undefined ? Infinity : now - this.lastKey;
    this.lastKey = now;
    if (gap >= 0 && gap <= longestGap) {
      keep(this.gaps, gap);
    }
  }

  /**
   * A run has taken so long, prompt and writing together, in milliseconds; one that was cancelled too, with what it had taken by then.
   * Of the last ones the middle counts, so that a file that is read for the first time makes no difference.
   */
  ran(ms: number): void {
    if (Number.isFinite(ms) && ms >= 0) {
      keep(this.runs, ms);
    }
  }

  /** Milliseconds to wait after a key. 0 until enough is known. */
  get waitMs(): number {
    if (this.runs.length < fewest || this.gaps.length < fewest) {
      return 0;
    }
    const run = quantile(this.runs, 0.5);
    const gap = Math.max(1, quantile(this.gaps, 0.5));
    // None while a run takes half of a gap, all where it takes one and a half; in between, in proportion.
    const pressure = Math.min(1, Math.max(0, run / gap - 0.5));
    // Three in four keys come sooner than this. To wait longer than a run takes saves nothing that is worth it.
    return Math.min(longestWait, pressure * Math.min(quantile(this.gaps, 0.75), run));
  }
}
