import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import { advise, carefulInWords, table, type CodecReport } from '../../../server/src/cli/kvReport';
import { dataFolder } from '../../../server/src/models';
import { kvCodecs, type KvQuality } from '../../../server/src/engine';

type Measured = readonly [meanKl: number, top1Clear: number];
type Reports = [CodecReport, ...CodecReport[]];

/** Of kv8, kv4, kv43, kv3. */
function reports(measured: readonly Measured[], positions = 5000): Reports {
  return kvCodecs.map((codec, i) => {
    const [meanKl, top1Clear] = measured[i - 1] ?? [0, 1];
    return {
      codec,
      careful: [],
      bits: 16 - i,
      bytesPerToken: 1000 - i,
      bytesAt8k: 0,
      bytesAt32k: 0,
      quality: { meanKl, top1: top1Clear - 0.1, top1Clear, positions } as KvQuality,
    };
  }) as unknown as Reports;
}

describe('cli: advice on the KV codec', () => {
  it('is the smallest codec over the bar, and says why not the next smaller one', () => {
    const { codec, words } = advise(
      reports([
        [0.0001, 0.999],
        [0.002, 0.99],
        [0.008, 0.9899],
        [0.02, 0.97],
      ]),
    );
    assert.equal(codec, 'kv4');
    assert.match(
      words,
      /kv4 is the smallest with a mean KL of at most 0\.01, and .* at least 99 % .*differ by 0\.1/,
    );
    assert.match(words, /: mean KL 0\.00200.*99\.00 %/);
    assert.match(words, /next smaller one, kv43, is not as close: mean KL 0\.00800.*98\.99 %/);
    assert.match(words, /5,000 positions, and is about this model file and this text\.$/);
  });

  it('is half precision where nothing smaller will do', () => {
    const { codec, words } = advise(
      reports(
        [
          [0.02, 0.999],
          [1, 0.5],
          [1, 0.5],
          [2, 0.4],
        ],
        300,
      ),
    );
    assert.equal(codec, 'f16');
    assert.match(words, /No compressed cache.*kv8, is not as close: mean KL 0\.02000/);
    assert.match(words, /300 positions.*That is few/);
  });

  it('is the smallest of all where all will do', () => {
    const { codec, words } = advise(
      reports([
        [0, 1],
        [0, 1],
        [0, 1],
        [0.01, 0.99],
      ]),
    );
    assert.equal(codec, 'kv3');
    assert.ok(!words.includes('next smaller'));
  });

  it('may be a codec with careful layers, which is larger than the same without', () => {
    const plain: Reports = reports([
      [0, 1],
      [0.002, 0.98],
      [1, 0.5],
      [1, 0.5],
    ]);
    const [f16, kv8, kv4, ...others] = plain;
    assert.ok(kv8 !== undefined && kv4 !== undefined);
    const quality = { ...kv4.quality, meanKl: 0.0004, top1Clear: 0.995 };
    const careful = { ...kv4, careful: [5, 7], quality };
    const advice = advise([f16, kv8, careful, kv4, ...others]);
    assert.deepEqual([advice.codec, advice.careful], ['kv4', [5, 7]]);
    assert.match(advice.words, /^kv4 careful is the smallest.*99\.50 %.*The next smaller one, kv4, is not/);
    assert.deepEqual(advise(plain).careful, []);
    assert.equal(advise(plain).codec, 'kv8');
  });

  it('names the careful layers', () => {
    assert.match(carefulInWords([], 8), /none of 8 layers/);
    assert.match(carefulInWords([5], 8), /: 5 of 8 layers keeps/);
    assert.match(carefulInWords([5, 7], 8), /: 5, 7 of 8 layers keep /);
  });
});

describe('cli: tables and places', () => {
  it('lines columns up', () => {
    assert.deepEqual(
      table([
        ['name', 'n'],
        ['a', '10'],
      ]),
      ['  name   n', '  a     10'],
    );
  });

  it("keeps data where the system's programs do", () => {
    const home = join('/', 'home', 'me');
    assert.equal(dataFolder('/mine', 'linux', {}, home), '/mine');
    assert.equal(dataFolder(undefined, 'linux', {}, home), join(home, '.local', 'share', 'niwaki'));
    assert.equal(dataFolder(undefined, 'linux', { XDG_DATA_HOME: '/x' }, home), join('/x', 'niwaki'));
    assert.equal(
      dataFolder(undefined, 'linux', { XDG_DATA_HOME: '' }, home),
      join(home, '.local', 'share', 'niwaki'),
    );
    assert.match(dataFolder(undefined, 'darwin', {}, home), /Application Support.Niwaki$/);
    assert.equal(dataFolder(undefined, 'win32', { LOCALAPPDATA: '/l' }, home), join('/l', 'Niwaki'));
  });
});
