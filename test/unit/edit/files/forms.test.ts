import { strict as assert } from 'node:assert';
import { fileGrammar, fileQuestion, outlineOf, textIn } from '#server/edit/files/fileText';
import { planGrammar, readPlan } from '#server/edit/files/planText';
import { dead, Machine } from '#server/grammar/machine';
import type { Grammar } from '#server/grammar/grammar';

/** 'whole', 'begun' = it can still be brought to an end, 'dead' = it cannot be said. */
function reading(grammar: Grammar, said: string): 'whole' | 'begun' | 'dead' {
  const machine = new Machine(grammar);
  const state = machine.read(Buffer.from(said));
  if (state === dead) {
    return 'dead';
  }
  return machine.shortest(state)?.length === 0 ? 'whole' : 'begun';
}

describe('edit/files: forms of answers', () => {
  it('can say plans, and no path that leads anywhere else', () => {
    const grammar = planGrammar([]);
    assert.equal(reading(grammar, '- src/a.ts: what it is for\n- test/a.test.ts: its tests'), 'whole');
    assert.equal(reading(grammar, '- .github/workflows/ci.yml: runs tests'), 'whole');
    for (const said of [
      ...[
        '- ../a.ts: x',
        '- /a.ts: x',
        '- a//b.ts: x',
        '- C:/a: x',
        '- a\\b: x',
        '- ./a: x',
        '- a/./b: x',
        '- a/: x',
      ],
      ...[
        '- a.: x',
        '- -rf: x',
        '- a.ts:x',
        'Here is',
        '- a b: x',
        '- a.ts:  x',
        '- a\u202e.ts: x',
        '- a.ts: x\u2028y',
        '- ~/a: x',
      ],
    ]) {
      assert.equal(reading(grammar, said), 'dead', said);
    }
    assert.equal(reading(grammar, Array.from({ length: 12 }, () => '- a.ts: x').join('\n')), 'whole');
    assert.equal(reading(grammar, Array.from({ length: 13 }, () => '- a.ts: x').join('\n')), 'dead');
    assert.equal(reading(grammar, `- a.ts: ${'x'.repeat(121)}`), 'dead');
  });

  it('begins in the folder that was named', () => {
    const grammar = planGrammar(['my folder/', 'two/']);
    assert.equal(reading(grammar, '- my folder/a.ts: x'), 'whole');
    assert.equal(reading(grammar, '- two/a.ts: x'), 'whole');
    assert.equal(reading(grammar, '- three/a.ts: x'), 'dead');
    assert.deepEqual(readPlan('- my folder/a.ts: see: that\n- b'), [
      { path: 'my folder/a.ts', purpose: 'see: that' },
    ]);
  });

  it('can say one code block, with anything in it but its own end', () => {
    const ts = fileGrammar('src/a.ts');
    assert.equal(reading(ts, '```ts\nconst a = `b`;\n\n``x``\n```'), 'whole');
    assert.equal(reading(ts, '```ts\nconst a'), 'begun');
    for (const said of [
      'const a',
      '```js\n',
      '```ts\na\n```\n',
      '```ts\na\n``` and',
      '```ts\na\0',
      '```ts\na\r\n',
      '```ts\n\u202e',
      '```ts\n```',
    ]) {
      assert.equal(reading(ts, said), 'dead', JSON.stringify(said));
    }
    const markdown = fileGrammar('README.md');
    assert.equal(reading(markdown, '`````md\n# A\n\n```sh\nls\n```\n`````'), 'whole');
    assert.equal(reading(fileGrammar('Makefile'), '```\nall:\n\tls\n```'), 'whole');
  });

  it('shows what is in the block while it is written, and never a piece of its end', () => {
    const whole = '```ts\na\n`b`\n```';
    const seen = Array.from({ length: whole.length + 1 }, (_, i) => textIn('x.ts', whole.slice(0, i)));
    assert.equal(seen.at(-1), 'a\n`b`\n');
    assert.ok(
      seen.every((text) => 'a\n`b`\n'.startsWith(text)),
      JSON.stringify(seen),
    );
  });

  it('shows texts in fences that they cannot end', () => {
    const text = fileQuestion({
      ...{ request: 'x', attached: '' },
      plan: [],
      file: { path: 'b.md', purpose: '' },
      written: [{ path: 'a.md', text: '````\nfence\n````\n' }],
      examples: [],
      present: undefined,
    });
    assert.ok(text.includes('a.md\n`````md\n````\nfence\n````\n`````\n'), text);
  });

  it('outlines a text by what stands at its left', () => {
    assert.equal(
      outlineOf('// head\nimport a;\n\nexport function f() {\n  return 1;\n}\nclass B:\n    x = 1\n'),
      'import a;\nexport function f() {\nclass B:',
    );
  });
});
