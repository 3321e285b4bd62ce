/** The bookkeeping of "npm run bench:kv": what a table of figures means for the bars. */
import * as assert from 'node:assert/strict';
import { ablations, bars, judge, prefixBars } from '../../../bench/kv/bars.mjs';
import { parts } from '../../../bench/kv/parts.mjs';
import { chooseParts, Report, runParts, type Part } from '../../../bench/kv/report.mjs';
import { judgeQuality, type QualityRow } from '../../../bench/kv/verdicts.mjs';

/** docs/KV.md and dated reports name these. */
const ids = [
  ...['kl-kv8', 'kl-kv4', 'top1-kv4', 'top1-clear-kv4', 'ablations', 'bytes-8b-32k'],
  ...['attn-8k', 'attn-32k', 'attn-8k-avx2', 'attn-32k-avx2', 'never-slower', 'fp16-path'],
  ...['decode-8k-q4_0-1.7b', 'decode-8k-f16-1.7b', 'decode-8k-q4_0-8b', 'decode-8k-f16-8b', 'encode'],
];

function row(model: string, id: string, more: Partial<QualityRow> = {}): QualityRow {
  const top1 = { top1: 97, top1Clear: 99.95, top1Sure: 100, clear: 2000, clearMissed: 1, overturned: 0.2 };
  return { model, id, what: id, bits: 4.25, kl: 0.02, ...top1, ...more };
}

/** A table in which every bar holds. */
function table(change: (one: QualityRow) => QualityRow = (one) => one): QualityRow[] {
  return ['base', 'twin'].flatMap((model) =>
    [
      row(model, 'kv8', { kl: 0.0002 }),
      row(model, 'kv4', { kl: 0.002, top1: 98, top1Clear: 99 }),
      row(model, 'kv4-careful', { kl: 0.001 }),
      ...ablations.map((id) => row(model, id)),
      row(model, 'k2v2', { kl: 0.03 }),
    ].map(change),
  );
}

const holding = (rows: readonly QualityRow[]): string[] =>
  judge(judgeQuality(rows))
    .filter(({ holds }) => holds)
    .map(({ id }) => id)
    .sort();
const ofQuality = ['ablations', 'kl-kv4', 'kl-kv8', 'top1-clear-kv4', 'top1-kv4'];
const without = (id: string): string[] => ofQuality.filter((one) => one !== id);

describe('KV benchmark: bars', () => {
  it('has the ids that reports are compared by', () => {
    assert.deepEqual(Object.keys(bars).sort(), [...ids].sort());
  });

  it('gives no bar to two parts, and parts owe only bars that there are', () => {
    const owed = parts.flatMap((part) => part.bars);
    assert.equal(new Set(owed).size, owed.length);
    assert.deepEqual(
      owed.filter((id) => !ids.includes(id) && !Object.hasOwn(prefixBars, id)),
      [],
    );
  });

  it('judges at the bar itself, and never what was not measured', () => {
    const holds = (id: string, value: number | null): boolean | undefined =>
      judge({ [id]: { value } }).find((bar) => bar.id === id)?.holds;
    assert.equal(holds('kl-kv4', 0.01), true);
    assert.equal(holds('kl-kv4', 0.0101), false);
    assert.equal(holds('bytes-8b-32k', 1210), true);
    assert.equal(holds('bytes-8b-32k', 1210.1), false);
    assert.equal(holds('top1-kv4', 0), true);
    assert.equal(holds('attn-8k', 3.99), false);
    assert.equal(holds('encode', null), false);
    assert.equal(judge({}).filter((bar) => bar.holds).length, 0);
  });
});

describe('KV benchmark: what the quality table means', () => {
  it('holds where all is well', () => {
    assert.deepEqual(holding(table()), ofQuality);
  });

  it('takes the worse of the model and its twin', () => {
    for (const model of ['base', 'twin']) {
      const worse = table((one) => (one.model === model && one.id === 'kv4' ? { ...one, kl: 0.011 } : one));
      assert.equal(holding(worse).includes('kl-kv4'), false, model);
      const fewer = table((one) =>
        one.model === model && one.id === 'kv4-careful' ? { ...one, top1Clear: 99.8 } : one,
      );
      assert.deepEqual(holding(fewer), without('top1-clear-kv4'), model);
      const behind = table((one) =>
        one.model === model && one.id === 'q4_0-h' ? { ...one, top1: 98.1 } : one,
      );
      assert.deepEqual(holding(behind), without('top1-kv4'), model);
    }
  });

  it('counts ablations that are visibly worse on the twin, and says by how much each is', () => {
    const near = table((one) =>
      one.id === 'uniform' && one.model === 'twin' ? { ...one, kl: 0.0023 } : one,
    );
    const judged = judgeQuality(near)['ablations'];
    assert.equal(judged?.value, ablations.length - 1);
    assert.match(judged.note, /uniform 1\.15x/);
    assert.deepEqual(holding(near), without('ablations'));
  });

  it('takes ablations for nothing where the negative control passes', () => {
    const passing = table((one) => (one.id === 'k2v2' ? { ...one, kl: 0.009 } : one));
    assert.equal(judgeQuality(passing)['ablations']?.value, 0);
  });

  it('refuses a table with a row missing', () => {
    assert.throws(() => judgeQuality(table().filter(({ id }) => id !== 'q4_0-h')), /no row q4_0-h/);
  });
});

describe('KV benchmark: the prefix cache', () => {
  it('has bars of its own, with fixed ids', () => {
    assert.deepEqual(Object.keys(prefixBars).sort(), [
      'corruption',
      'fork',
      'preempt',
      'preempt-total',
      'restore-8k',
      'reuse-exact',
      'shift-em',
      'shift-kl',
      'soak',
    ]);
    assert.deepEqual(
      new Report(prefixBars).bars().map(({ holds }) => holds),
      Object.keys(prefixBars).map(() => false),
    );
  });
});

describe('KV benchmark: parts', () => {
  it('chooses by name, and says what there is', () => {
    const names = (only?: string[], part?: string): string[] =>
      chooseParts(parts, only, part).map(({ name }) => name);
    assert.deepEqual(names(['bytes']), ['bytes']);
    assert.deepEqual(names(undefined, 'bytes'), ['bytes']);
    assert.deepEqual(
      names(),
      parts.map(({ name }) => name).filter((name) => name !== 'prefix'),
    );
    assert.deepEqual(names(undefined, 'prefix'), ['prefix']);
    assert.throws(() => names(['speed']), /no part "speed"; there are quality, bytes/);
    assert.throws(() => names(['bytes'], 'prefix'), /"prefix" is measured alone/);
  });

  it('lists every bar even if a part fails, with the reason', async () => {
    const failing: Part[] = [
      {
        name: 'quality',
        bars: ['kl-kv4', 'kl-kv8'],
        run: (_context, report) => {
          report.bar('kl-kv8', 0.0001);
          return Promise.reject(new Error('it broke\n    at some line'));
        },
      },
    ];
    const report = new Report();
    await runParts(failing, { log: () => undefined }, report);
    const judged = report.bars();
    assert.deepEqual(judged.map(({ id }) => id).sort(), [...ids].sort());
    const found = (id: string): (typeof judged)[number] | undefined => judged.find((bar) => bar.id === id);
    assert.equal(found('kl-kv8')?.holds, true, 'what was measured before stays');
    assert.deepEqual([found('kl-kv4')?.value, found('kl-kv4')?.note], [null, 'it broke']);
    assert.throws(() => {
      report.bar('kl-kv2', 1);
    }, /no bar called kl-kv2/);
  });
});
