/** What the counts of damaged pages and killed processes mean for the bar. */
import * as assert from 'node:assert/strict';
import { corruptionBar } from '../../../bench/kv/corruption.mjs';

const sound = {
  ...{ corruptions: 200, refused: 200, wrong: 0, notRemoved: 0, notRecovered: 0, neighboursLost: 0 },
  ...{
    kills: 50,
    killedWhileWriting: 31,
    lostByKills: 0,
    wrongAfterKills: 0,
    leftovers: 0,
    saversThatFailed: 0,
  },
  violations: 0,
};

describe('KV benchmark: corruption', () => {
  it('holds without a violation, and with none else', () => {
    const bar = corruptionBar(sound);
    assert.deepEqual([bar.id, bar.value, bar.bar, bar.holds], ['corruption', 0, 0, true]);
    assert.match(bar.note ?? '', /200 of 200 corruptions refused.*31 while a file was being written/);
    assert.equal(corruptionBar({ ...sound, violations: 1 }).holds, false);
    assert.equal(corruptionBar({ ...sound, violations: 1 }).value, 1);
  });

  it('does not hold when too little was tried, or nothing said', () => {
    for (const change of [
      { corruptions: 199 },
      { kills: 49 },
      { killedWhileWriting: 0 },
      { violations: NaN },
    ]) {
      const { value, holds } = corruptionBar({ ...sound, ...change });
      assert.deepEqual([value, holds], [null, false]);
    }
    assert.equal(corruptionBar({}).holds, false);
  });
});
