/** The same change made twice: where a third place is seen. */
import * as assert from 'node:assert/strict';
import { Sitting } from './support';

/** Changes each `from` in turn; the offer after the last. */
async function changes(sitting: Sitting, list: readonly (readonly [string, string])[]) {
  let offer;
  for (const [from, to] of list) {
    offer = await sitting.change(from, to);
  }
  return offer;
}

describe('next edit: a change that was made twice', () => {
  it('is nothing after the first time', async () => {
    assert.equal(await new Sitting('f(a);\nf(b);\nf(c);\n').change('f(a)', 'f(a, signal)'), undefined);
  });

  it('adds an argument to further calls, whatever their others are', async () => {
    const sitting = new Sitting('load(one);\nload(two + 2);\nload(g(three), []);\nsave(four);\n');
    const offer = await changes(sitting, [
      ['load(one)', 'load(one, signal)'],
      ['load(two + 2)', 'load(two + 2, signal)'],
    ]);
    assert.equal(sitting.line(offer), 'load(g(three), [], signal);');
    assert.equal(await sitting.accept(offer as never), undefined, 'another function’s calls are left alone');
  });

  it('changes a prefix in the same surroundings', async () => {
    const sitting = new Sitting('old.read(a);\nold.read(b);\nold.read(c);\nold.write(d);\n');
    const offer = await changes(sitting, [
      ['old.read(a)', 'this.store.read(a)'],
      ['old.read(b)', 'this.store.read(b)'],
    ]);
    assert.equal(sitting.line(offer), 'this.store.read(c);');
    assert.equal(offer?.candidate.left, 1, 'what was written otherwise is no such place');
  });

  it('does not make a change again where it is made', async () => {
    const sitting = new Sitting('x(value);\ny(value);\nz(this.value);\n');
    assert.equal(
      await changes(sitting, [
        ['x(value)', 'x(this.value)'],
        ['y(value)', 'y(this.value)'],
      ]),
      undefined,
    );
  });

  it('takes things away', async () => {
    const sitting = new Sitting('await run(a);\nawait run(b);\nawait run(c);\n');
    const offer = await changes(sitting, [
      ['await run(a)', 'run(a)'],
      ['await run(b)', 'run(b)'],
    ]);
    assert.equal(sitting.line(offer), 'run(c);');
  });

  it('keeps to code where it was made in code', async () => {
    const sitting = new Sitting('get(a)->b;\nget(c)->d;\n// get(e)->f;\ncall("get(g)->h");\n', 'cpp');
    assert.equal(
      await changes(sitting, [
        ['get(a)->', 'get(a).'],
        ['get(c)->', 'get(c).'],
      ]),
      undefined,
    );
  });

  it('leaves alone what was written since', async () => {
    const sitting = new Sitting('a = old.x(1);\nb = old.x(2);\n');
    await changes(sitting, [
      ['old.x(1)', 'now.y.x(1)'],
      ['old.x(2)', 'now.y.x(2)'],
    ]);
    assert.equal(await sitting.set(`${sitting.text}c = old.x(3);\n`, sitting.text.length), undefined);
  });

  it('works with line breaks of Windows', async () => {
    const sitting = new Sitting('load(one);\r\nload(two);\r\nload(three);\r\n');
    const offer = await changes(sitting, [
      ['load(one)', 'load(one, signal)'],
      ['load(two)', 'load(two, signal)'],
    ]);
    assert.equal(sitting.line(offer), 'load(three, signal);');
  });
});
