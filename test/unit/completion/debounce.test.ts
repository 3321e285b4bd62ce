import * as assert from 'node:assert/strict';
import { AdaptiveDebounce, longestWait } from '../../../server/src/completion/debounce';

/** Somebody types with these gaps, and each run takes so long. */
function after(gaps: readonly number[], runs: readonly number[]): number {
  const debounce = new AdaptiveDebounce();
  let now = 1000;
  debounce.key(now);
  for (const gap of gaps) {
    now += gap;
    debounce.key(now);
  }
  for (const run of runs) {
    debounce.ran(run);
  }
  return debounce.waitMs;
}

const times = (count: number, value: number): number[] => Array.from({ length: count }, () => value);

describe('completion: the adaptive debounce', () => {
  it('does not wait before it knows anything', () => {
    assert.equal(new AdaptiveDebounce().waitMs, 0);
    assert.equal(after(times(10, 120), []), 0);
    assert.equal(after([], times(10, 400)), 0);
    assert.equal(after(times(2, 120), times(2, 400)), 0);
  });

  it('does not wait for an engine that is done before the next key', () => {
    assert.equal(after(times(10, 150), times(10, 40)), 0);
    assert.equal(after(times(10, 400), times(10, 190)), 0);
  });

  it('waits about as long as a gap for an engine that is not, and never longer than 150 ms', () => {
    assert.equal(after(times(10, 120), times(10, 600)), 120);
    assert.equal(after(times(10, 240), times(10, 900)), longestWait);
  });

  it('waits longer the slower the engine is', () => {
    const waits = [20, 60, 80, 100, 140, 200, 1000].map((run) => after(times(10, 120), times(10, run)));
    assert.deepEqual(
      waits,
      [...waits].sort((a, b) => a - b),
    );
    assert.equal(waits[0], 0);
    assert.ok((waits[3] as number) > 0 && (waits[3] as number) < (waits[5] as number));
  });

  it('never waits longer than a run takes', () => {
    for (const run of [5, 20, 40, 80]) {
      assert.ok(after(times(10, 10), times(10, run)) <= run, String(run));
    }
  });

  it('leaves out pauses and the first reading of a file', () => {
    const gaps = [120, 120, 5000, 120, 60_000, 120, 120];
    assert.equal(after(gaps, times(8, 600)), 120);
    assert.equal(after(times(10, 150), [9000, ...times(9, 40)]), 0);
  });

  it('follows a change within some keys and runs', () => {
    const debounce = new AdaptiveDebounce();
    let now = 0;
    const type = (count: number, gap: number, run: number): number => {
      for (let i = 0; i < count; i += 1) {
        now += gap;
        debounce.key(now);
        debounce.ran(run);
      }
      return debounce.waitMs;
    };
    assert.equal(type(16, 120, 30), 0);
    assert.equal(type(16, 120, 500), 120);
    assert.equal(type(16, 120, 30), 0);
  });

  it('ignores clocks that go backwards and figures that are none', () => {
    const debounce = new AdaptiveDebounce();
    for (const now of [100, 50, 100, 50, 100, 50]) {
      debounce.key(now);
      debounce.ran(NaN);
      debounce.ran(-1);
    }
    assert.equal(debounce.waitMs, 0);
  });
});
