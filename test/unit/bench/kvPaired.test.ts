/** How sure "npm run bench:kv" is of what it says of two ways of doing the same trials. */
import * as assert from 'node:assert/strict';
import { pairedLoss, signTest } from '../../../bench/kv/paired.mjs';

const near = (value: number | null, wanted: number, tolerance: number): void => {
  assert.ok(
    value !== null && Math.abs(value - wanted) <= tolerance,
    `${String(value)} is not ${String(wanted)}`,
  );
};

describe('paired trials', () => {
  it('sign test: exact, two-sided', () => {
    near(signTest(0, 0), 1, 1e-12);
    near(signTest(5, 5), 1, 1e-12);
    near(signTest(0, 5), 2 / 32, 1e-12);
    near(signTest(8, 1), (2 * (1 + 9)) / 512, 1e-12);
    near(signTest(1, 8), signTest(8, 1), 1e-12);
    near(signTest(60, 40), 0.0569, 1e-3);
  });

  it('loss in percent of the first, with an interval that holds it', () => {
    const { loss, low, high } = pairedLoss({ both: 240, onlyFirst: 15, onlySecond: 10 });
    near(loss, (5 / 255) * 100, 1e-9);
    assert.ok(low !== null && high !== null && low < 0 && high > 5 && high < 7);
    // Four times the trials, half the width.
    const more = pairedLoss({ both: 960, onlyFirst: 60, onlySecond: 40 });
    near(more.loss, (5 / 255) * 100, 1e-9);
    near((more.high ?? 0) - (more.low ?? 0), (high - low) / 2, 0.01);
  });

  it('the interval covers the truth about 95 times of a hundred', () => {
    let state = 1;
    const random = (): number => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    // Of 2,000 trials both get 15 % right, the first alone 1.2 %, the second alone 0.6 %.
    const truth = (1 - 15.6 / 16.2) * 100;
    let covered = 0;
    for (let run = 0; run < 400; run += 1) {
      const counts = { both: 0, onlyFirst: 0, onlySecond: 0 };
      for (let i = 0; i < 2000; i += 1) {
        const x = random() * 100;
        counts.both += x < 15 ? 1 : 0;
        counts.onlyFirst += x >= 15 && x < 16.2 ? 1 : 0;
        counts.onlySecond += x >= 16.2 && x < 16.8 ? 1 : 0;
      }
      const { low, high } = pairedLoss(counts);
      covered += low !== null && high !== null && low <= truth && truth <= high ? 1 : 0;
    }
    assert.ok(covered >= 366 && covered <= 394, `${String(covered)} of 400`);
  });

  it('says nothing where there is nothing to say', () => {
    assert.deepEqual(pairedLoss({ both: 0, onlyFirst: 0, onlySecond: 0 }), {
      loss: null,
      low: null,
      high: null,
      p: 1,
    });
    assert.equal(pairedLoss({ both: 0, onlyFirst: 3, onlySecond: 0 }).loss, 100);
  });
});
