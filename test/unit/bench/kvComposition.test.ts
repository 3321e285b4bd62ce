/** What "npm run bench:kv" makes of times: whole models, best settings, shares. */
import * as assert from 'node:assert/strict';
import {
  attentionALayer,
  composeSettings,
  encodeShares,
  fastest,
  judgeDecode,
  judgeHalves,
  lesser,
  storeOf,
  type Evaluation,
  type Setting,
} from '../../../bench/kv/composition.mjs';

const settings: readonly Setting[] = [
  { id: 'ours kv4', engine: 'ours', store: 'kv4' },
  { id: 'ours f16', engine: 'ours', store: 'f16' },
  { id: 'ours f16, 1', engine: 'ours', store: 'f16', threads: 1 },
  { id: 'peer f16, 1', engine: 'llama.cpp', store: 'f16', threads: 1, flashAttention: false },
  { id: 'peer f16 flash, 1', engine: 'llama.cpp', store: 'f16', threads: 1, flashAttention: true },
  { id: 'peer f16 flash, 2', engine: 'llama.cpp', store: 'f16', threads: 2, flashAttention: true },
  { id: 'peer q4_0, 1', engine: 'llama.cpp', store: 'q4_0', threads: 1, flashAttention: true },
  { id: 'peer q4_0, 2', engine: 'llama.cpp', store: 'q4_0', threads: 2, flashAttention: true },
];
const times = {
  ...{ 'ours kv4': 10, 'ours f16': 20, 'ours f16, 1': 30, 'peer f16, 1': 70, 'peer f16 flash, 1': 60 },
  ...{ 'peer f16 flash, 2': 45, 'peer q4_0, 1': 90, 'peer q4_0, 2': 95 },
};

describe('KV benchmark: composition', () => {
  it('makes a whole model of one layer and of three, setting by setting', () => {
    assert.deepEqual(composeSettings({ a: 5, b: 4 }, { a: 9, b: 10 }, 36), { a: 75, b: 109 });
    assert.deepEqual(composeSettings({ a: 5 }, { a: 5 }, 36), { a: null }, 'three layers took no longer');
  });

  it('takes the fastest setting that has a time', () => {
    const peer = ({ engine }: Setting): boolean => engine === 'llama.cpp';
    assert.equal(fastest(settings, times, peer)?.setting.id, 'peer f16 flash, 2');
    assert.equal(
      fastest(settings, { ...times, 'peer f16 flash, 2': null }, peer)?.setting.id,
      'peer f16 flash, 1',
    );
    assert.equal(fastest(settings, {}, peer), undefined);
  });

  it("compares our kv4 with the peer's best of each way of storing", () => {
    const { q4_0, f16 } = judgeDecode(settings, times, 'composed');
    assert.deepEqual([q4_0.value, q4_0.peer?.id], [9, 'peer q4_0, 1']);
    assert.deepEqual([f16.value, f16.peer?.id], [4.5, 'peer f16 flash, 2']);
    assert.match(f16.note, /^composed; kv4 10\.0 ms a token, peer f16 flash, 2 45\.0$/);
    const disturbed = judgeDecode(settings, { ...times, 'ours kv4': null }, 'composed');
    assert.equal(disturbed.q4_0.value, null, 'our half f16 does not stand in for kv4');
  });

  it('says nothing of a peer one of whose settings was disturbed: it may have been the best', () => {
    const { q4_0, f16 } = judgeDecode(settings, { ...times, 'peer f16 flash, 2': null }, 'composed');
    assert.equal(f16.value, null);
    assert.equal(q4_0.value, 9);
  });

  it('compares attention over halves with one thread alone, at its best for the peer', () => {
    const shallow = Object.fromEntries(settings.map(({ id }) => [id, 6]));
    const { value, times: layer } = judgeHalves(settings, shallow, times, 3);
    assert.equal(value, 54 / 24);
    assert.deepEqual(layer, { 'ours f16, 1': 8, 'peer f16, 1': 64 / 3, 'peer f16 flash, 1': 18 });
    assert.equal(attentionALayer(6, 5, 3), null);
    assert.equal(judgeHalves(settings, times, times, 3).value, null);
  });

  it('takes the lesser of medians and quickest rounds, and nothing where one says nothing', () => {
    const verdict = (value: number | null, note: string): { value: number | null; note: string } => ({
      value,
      note,
    });
    assert.deepEqual(
      lesser(verdict(9, 'a'), verdict(5, 'b')),
      verdict(5, 'b (quickest rounds; by medians 9.0)'),
    );
    assert.deepEqual(
      lesser(verdict(4, 'a'), verdict(5, 'b')),
      verdict(4, 'a (medians; by the quickest rounds 5.0)'),
    );
    const alone = lesser(verdict(null, 'a'), verdict(5, 'b'));
    assert.deepEqual(
      alone,
      verdict(null, 'too disturbed to say anything (5.0 by the quickest rounds alone)'),
    );
    assert.equal(lesser(verdict(null, 'a'), verdict(null, 'b')).note, 'too disturbed to say anything');
  });

  it("knows the peer's cache by the bytes of its tokens", () => {
    assert.equal(storeOf(17, 17 + 64 * (4096 + 12), 64, 2048), 'f16');
    assert.equal(storeOf(17, 17 + 64 * (1152 + 12), 64, 2048), 'q4_0');
    assert.equal(storeOf(17, 17 + 64 * (2176 + 12), 64, 2048), '1.068 bytes a value');
  });
});

describe('KV benchmark: the share of codes', () => {
  const run: Evaluation = {
    ...{ milliseconds: 1000, processor: 1600, prepare: 10, prepareProcessor: 24, storeNanoseconds: 1200 },
    stores: 10_000,
  };
  const shares = (storeF16: number): ReturnType<typeof encodeShares> =>
    encodeShares({
      f16: [{ ...run, milliseconds: 950, storeNanoseconds: storeF16 }],
      kv4: [run, { ...run, storeNanoseconds: 50_000 }, run],
      threads: 2,
    });

  it('counts sealing and what storing takes longer, by the clock that says more', () => {
    const { share, wall, processor, sealing, rotating, milliseconds, longer } = shares(400);
    assert.equal(wall.toFixed(9), '1.400000000');
    assert.deepEqual([sealing, rotating, milliseconds], [1.5, 0.5, 1000]);
    assert.deepEqual([share, processor], [2, 2]);
    assert.equal(longer.toFixed(3), '5.263');
  });

  it('gives sealing nothing for storing that happened to be quicker', () => {
    assert.equal(shares(1300).wall, 1);
  });
});
