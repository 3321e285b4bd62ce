import * as assert from 'node:assert/strict';
import { percentile, preemptBars, preemptFigures } from '../../../bench/kv/preempt.mjs';

describe('bench: preempt', () => {
  it('takes the 95th percentile by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.equal(percentile(hundred, 0.95), 95);
    assert.equal(percentile([3], 0.95), 3);
    assert.equal(percentile([1, 2], 0.95), 2);
  });

  it('judges what keystrokes waited beyond the idle engine, and what prompts took beyond their keystrokes', () => {
    const figures = preemptFigures({
      idle: [100, 110, 90],
      waits: [105, 110, 125, 101],
      alone: [1000, 1010, 990],
      prompts: [
        { ms: 1500, keystrokesMs: 500 },
        { ms: 1575, keystrokesMs: 500 },
        { ms: 1650, keystrokesMs: 500 },
      ],
    });
    assert.deepEqual(
      [figures.idle, figures.idleSpread, figures.p95, figures.worst, figures.median, figures.tries],
      [100, 10, 25, 25, 7.5, 4],
    );
    assert.ok(Math.abs(figures.growth - 5) < 1e-9 && Math.abs(figures.worstGrowth - 10) < 1e-9);
    assert.ok(preemptBars.preempt.holds(figures.p95) && !preemptBars.preempt.holds(30.1));
    assert.ok(!preemptBars['preempt-total'].holds(figures.worstGrowth));
  });
});
