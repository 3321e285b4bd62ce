/** The arithmetic and the bookkeeping of "npm run bench:engine"; the measuring itself is only as good as a run of it. */
import * as assert from 'node:assert/strict';
import { bars, judge } from '../../../bench/engine/bars.mjs';
import {
  best,
  compareDistributions,
  composeLayers,
  divergence,
  logSoftmax,
  median,
  takeTurns,
} from '../../../bench/engine/figures.mjs';
import { parts } from '../../../bench/engine/parts.mjs';
import { plot } from '../../../bench/engine/plot.mjs';
import { Report, runParts, type Part } from '../../../bench/engine/report.mjs';

/** docs/SPEED.md and dated reports name these: an id that changes breaks every comparison over time. */
const ids = [
  ...['decode-avx2-1.7b', 'decode-avx2-4b', 'decode-avx2-8b'],
  ...['decode-best-1.7b', 'decode-best-4b', 'decode-best-8b'],
  ...['prefill512-avx2-1.7b', 'prefill512-avx512vnni-1.7b', 'prefill512-amx-1.7b'],
  ...['load-8b', 'busy-1.7b', 'decode-embedded', 'cancel-8b'],
  ...['kl-embedded', 'top1-embedded', 'top1-margin-embedded', 'lookup'],
];

describe('engine benchmark: figures', () => {
  it('takes medians', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([7]), 7);
    assert.throws(() => median([]), /no median/);
  });

  it('takes turns, every other round backwards', async () => {
    const order: string[] = [];
    const value = (name: string) => (): Promise<number> => {
      order.push(name);
      return Promise.resolve(order.length);
    };
    const measured = await takeTurns(3, { a: value('a'), b: value('b') });
    assert.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b']);
    assert.deepEqual(measured['a'], { median: 4, all: [1, 4, 5] });
    assert.deepEqual(measured['b'], { median: 3, all: [2, 3, 6] });
  });

  it('composes a whole model from two small ones', () => {
    // 5 ms of overhead, 2 ms a layer.
    assert.equal(composeLayers(7, 11, 36), 5 + 36 * 2);
    assert.equal(composeLayers(7, 11, 3), 11);
    assert.equal(composeLayers(7, 6.5, 36), null, 'disturbed: three layers were quicker than one');
  });

  it('compares distributions', () => {
    const truth = [Math.log(0.5), Math.log(0.3), Math.log(0.2)];
    const other = [Math.log(0.4), Math.log(0.5), Math.log(0.1)];
    const expected = 0.5 * Math.log(0.5 / 0.4) + 0.3 * Math.log(0.3 / 0.5) + 0.2 * Math.log(0.2 / 0.1);
    const near = (a: number, b: number): void => {
      assert.ok(Math.abs(a - b) < 1e-12, `${String(a)} is not ${String(b)}`);
    };
    near(divergence(logSoftmax(truth), logSoftmax(other)), expected);
    near(divergence(logSoftmax(truth.map((x) => x + 100)), logSoftmax(truth)), 0);
    near(divergence(logSoftmax([0, -Infinity]), logSoftmax([0, 0])), Math.log(2));
    assert.equal(best([1, 3, 2.5]).id, 1);
    near(best([1, 3, 2.5]).margin, 0.5);
    near(best([3, 1, 2.5]).margin, 0.5);

    const compared = compareDistributions([
      { truth, other: truth },
      { truth, other }, // another best one, and the truth's is ahead by ln(0.5 / 0.3)
      { truth: [0, 0.05, -9], other: [0.05, 0, -9] }, // another best one, but the two were nearly equal
    ]);
    assert.equal(compared.positions, 3);
    near(compared.top1, 100 / 3);
    assert.equal(compared.clear, 2);
    near(compared.clearTop1, 50);
    assert.ok(compared.divergence > expected / 3);
  });
});

describe('engine benchmark: bars', () => {
  it('has the ids that reports are compared by', () => {
    assert.deepEqual(Object.keys(bars).sort(), [...ids].sort());
  });

  it('gives every bar to exactly one part', () => {
    assert.deepEqual(parts.flatMap((part) => part.bars).sort(), [...ids].sort());
  });

  it('judges at the bar itself, in the right direction, and never what was not measured', () => {
    const holds = (id: string, value: number | null): boolean | undefined =>
      judge({ [id]: { value } }).find((bar) => bar.id === id)?.holds;
    assert.equal(holds('decode-avx2-8b', 5), true);
    assert.equal(holds('decode-avx2-8b', 4.99), false);
    assert.equal(holds('load-8b', 1), true);
    assert.equal(holds('load-8b', 1.01), false);
    assert.equal(holds('cancel-8b', 0), true);
    assert.equal(holds('cancel-8b', null), false);
    assert.equal(holds('kl-embedded', NaN), false);
    assert.equal(holds('top1-embedded', -0.1), true);
    assert.equal(holds('top1-embedded', -0.11), false);
    assert.throws(() => judge({ 'decode-avx2-9b': { value: 9 } }), /no bars called decode-avx2-9b/);
  });

  it('lists every bar even if a part fails, with the reason, and ends what the part left running', async () => {
    let closed = 0;
    const engines = {
      closeAll: () => {
        closed += 1;
        return Promise.resolve();
      },
    };
    const failing: Part[] = parts.map(({ name, bars: owed }) => ({
      name,
      bars: owed,
      run: (_context, report) => {
        if (name === 'decode') {
          report.bar('decode-avx2-1.7b', 6.5);
        }
        return Promise.reject(new Error(`${name} broke\n    at some line`));
      },
    }));
    const report = new Report();
    await runParts(failing, { engines, log: () => undefined }, report);
    assert.equal(closed, parts.length);
    const judged = report.bars();
    assert.deepEqual(judged.map(({ id }) => id).sort(), [...ids].sort());
    for (const { id, value, holds, note } of judged) {
      if (id === 'decode-avx2-1.7b') {
        assert.deepEqual([value, holds, note], [6.5, true, undefined], 'what was measured before stays');
      } else {
        assert.deepEqual([value, holds], [null, false], id);
        assert.match(note ?? '', / broke$/, id);
      }
    }
  });

  it('draws a figure for each multiple of the peer', () => {
    const report = {
      ...{ date: '2026-01-01', cpu: 'A & B <CPU>', cores: 2, peer: 'llama.cpp x' },
      bars: judge({ 'decode-avx2-8b': { value: 6.25 }, 'prefill512-amx-1.7b': { value: null } }),
    };
    const svg = plot(report);
    assert.match(svg, /^<svg [^]*<\/svg>\n$/);
    assert.match(svg, /A &amp; B &lt;CPU&gt;/);
    assert.match(svg, /6\.3x|6\.2x/);
    assert.match(svg, /not measured here/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  });
});
