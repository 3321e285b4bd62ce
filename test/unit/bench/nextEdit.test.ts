/** How replays judge what is offered next. */
import * as assert from 'node:assert/strict';
import { askHalfway } from '../../../bench/edit/nextEdit/halfway.mjs';
import { Replay, type Offered } from '../../../bench/edit/nextEdit/replay.mjs';
import { NextEdits } from '../../../server/src/edit/next';
import { replacementsBetween } from '../../../server/src/edit/next/changes';
import { runsBetween, tokensOf } from '../../../server/src/edit/next/tokens';

const next = { NextEdits, replacementsBetween, runsBetween, tokensOf };
const before = 'a(key);\nkeep(key);\nb(key);\nc(key);\n';
const after = 'a(name);\nkeep(key);\nb(name);\nother(name, 1);\n';

/** Offers `from` → `to` at a line of the text as it is then, as long as there are some. */
async function replay(...offers: readonly (readonly [line: string, from: string, to: string])[]) {
  const one = new Replay(next, { before, after, language: 'typescript' });
  const declined: Offered[] = [];
  const left = [...offers];
  const result = await one.run(
    ({ text }) => {
      const [line, from, to] = left.shift() ?? ['', '', ''];
      const start = text.indexOf(from, text.indexOf(line));
      return Promise.resolve(
        line === '' ? undefined : { start, end: start + from.length, before: from, text: to },
      );
    },
    (offer) => {
      declined.push(offer);
    },
  );
  return { ...result, declined, hits: result.offers.map(({ hit }) => hit) };
}

describe('bench: replays of next edits', () => {
  it('asks after each change, and knows where the commit repeats it', async () => {
    const { asked, repeats, covered, hits } = await replay();
    assert.deepEqual([asked, repeats, covered, hits.length], [3, 1, 0, 0]);
  });

  it('takes for right what the commit does', async () => {
    const { asked, covered, hits } = await replay(['b(', 'key', 'name']);
    assert.deepEqual([hits, covered], [[true], 1]);
    assert.equal(asked, 3, 'after the first change, after the offer was taken, after the last');
  });

  it('takes for right what is a part of what the commit does there', async () => {
    assert.deepEqual((await replay(['c(', 'key', 'name'])).hits, [true]);
  });

  it('takes for wrong what the commit leaves alone, or changes otherwise', async () => {
    const { hits, declined, covered } = await replay(
      ['keep', 'key', 'name'],
      ['b(', 'key', 'label'],
      ['a(', 'name', 'names'],
    );
    assert.deepEqual([hits, covered], [[false, false, false], 0]);
    assert.equal(declined.length, 3);
  });

  it('takes for wrong what is there already', async () => {
    assert.deepEqual((await replay(['a(', '', 'name'])).hits, [false]);
  });

  it('rests in the middle of a name that is typed, and of none that was accepted', async () => {
    const texts: string[] = [];
    const rests = { asked: 0, offers: 0 };
    const ask = askHalfway(
      next,
      'a(key);\nb(key);\nc(key);\n',
      ({ text }) => {
        texts.push(text);
        return Promise.resolve({ start: 12, end: 15, before: 'key', text: 'label' });
      },
      rests,
    );
    const document = (text: string) => ({ languageId: 'typescript', text });
    await ask(document('a(label);\nb(key);\nc(key);\n'), 7);
    assert.deepEqual(texts, ['a(lab);\nb(key);\nc(key);\n', 'a(label);\nb(key);\nc(key);\n']);
    assert.deepEqual(rests, { asked: 1, offers: 1 });
    await ask(document('a(label);\nb(label);\nc(key);\n'), 15);
    assert.deepEqual(rests, { asked: 1, offers: 1 }, 'it is what was offered');
  });
});
