/** What the user does with offers, and what is then not offered. */
import * as assert from 'node:assert/strict';
import { FollowedTexts } from '../../../../server/src/edit/next/followed';
import { Sitting } from './support';

const text = 'const key = 1;\na(key);\nb(key);\nc(key);\n';

describe('next edit: what was declined, taken back or made', () => {
  it('offers nothing again that was declined', async () => {
    const sitting = new Sitting(text);
    const offer = await sitting.change('const key', 'const name');
    assert.ok(offer);
    sitting.edits.decline(sitting.uri, { removed: offer.before, inserted: offer.text });
    assert.equal(await sitting.ask(0), undefined);
    assert.equal(await sitting.change('b(key)', 'b(name)'), undefined, 'also when it goes on by hand');
  });

  it('still offers another change', async () => {
    const sitting = new Sitting(text);
    await sitting.change('const key', 'const name');
    sitting.edits.decline(sitting.uri, { removed: 'key', inserted: 'name' });
    assert.equal(sitting.line(await sitting.change('const name', 'const label')), 'a(label);');
  });

  it('offers nothing when the change is undone', async () => {
    const sitting = new Sitting(text);
    assert.ok(await sitting.change('const key', 'const name'));
    assert.equal(await sitting.set(text, 9), undefined);
  });

  it('offers nothing when what was accepted is undone, and again when it is made by hand', async () => {
    const sitting = new Sitting(text);
    const offer = await sitting.change('const key', 'const name');
    assert.ok(offer);
    const before = sitting.text;
    assert.ok(await sitting.accept(offer));
    assert.equal(await sitting.set(before, offer.start), undefined);
    assert.equal(sitting.line(await sitting.change('a(key)', 'a(name)')), 'b(name);');
  });

  it('offers nothing after a change that has nothing to do with it', async () => {
    const sitting = new Sitting(text);
    assert.ok(await sitting.change('const key', 'const name'));
    assert.equal(await sitting.set(`${sitting.text}more();\n`, sitting.text.length), undefined);
  });

  it('offers the same while nothing is changed', async () => {
    const sitting = new Sitting(text);
    const offer = await sitting.change('const key', 'const name');
    assert.deepEqual(await sitting.ask(10), offer);
    assert.equal(
      sitting.line(await sitting.ask(sitting.text.indexOf('b('))),
      'b(name);',
      'behind the cursor',
    );
  });

  it('does not offer later what was changed while nothing might be asked', async () => {
    const sitting = new Sitting(text);
    const changed = text.replace('const key', 'const name');
    sitting.edits.seen(sitting.uri, changed);
    assert.equal(await sitting.set(`${changed}more();\n`, changed.length), undefined);
  });

  it('remembers a limited number of what was taken back, and nothing long', () => {
    const followed = new FollowedTexts();
    followed.start('u', 'begin\n');
    const long = 'word '.repeat(400);
    followed.settle('u', `begin\n${long}\n`);
    followed.settle('u', 'begin\n');
    assert.equal(followed.tookBack('u', { removed: '', inserted: `${long}\n` }), false);
    for (let i = 0; i < 500; i += 1) {
      followed.settle('u', `begin${String(i)}\n`);
      followed.settle('u', 'begin\n');
    }
    const known = (i: number): boolean =>
      followed.tookBack('u', { removed: 'begin', inserted: `begin${String(i)}` });
    assert.deepEqual([known(0), known(499)], [false, true]);
  });

  it('begins anew after a change of the whole text', async () => {
    const sitting = new Sitting(text);
    await sitting.change('const key', 'const name');
    const other = Array.from({ length: 3_000 }, (_, i) => `line${String(i)}(key);\n`).join('');
    assert.equal(await sitting.set(other, 0), undefined);
  });

  it('forgets a closed document', async () => {
    const sitting = new Sitting(text);
    sitting.edits.closed(sitting.uri);
    assert.equal(await sitting.change('const key', 'const name'), undefined);
  });

  it('offers what is certain alone, and looks further where a place is not', async () => {
    const unsure = new Sitting(text, 'typescript', () => 0.4);
    assert.equal(await unsure.change('const key', 'const name'), undefined);
    assert.equal(unsure.judged.length, 3);
    const third = new Sitting(text, 'typescript', ({ start }) => (start > 30 ? 0.6 : 0));
    assert.equal(third.line(await third.change('const key', 'const name')), 'c(name);');
  });
});
