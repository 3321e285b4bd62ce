/** One name by another: which places are offered, and which never. */
import * as assert from 'node:assert/strict';
import { Sitting } from './support';

const sum = `function total(values: number[]): number {
  let result = 0;
  for (const value of values) {
    result += value;
  }
  return result;
}
`;

describe('next edit: a name that was changed', () => {
  it('offers the next use behind the cursor', async () => {
    const sitting = new Sitting(sum);
    const offer = await sitting.change('let result', 'let amount');
    assert.equal(sitting.line(offer), 'amount += value;');
    assert.equal(offer?.before, 'result');
    assert.equal(offer.candidate.why, 'declaration');
    assert.equal(offer.candidate.left, 2);
  });

  it('goes on from place to place, and ends', async () => {
    const sitting = new Sitting(sum);
    assert.equal(
      await sitting.acceptAll(await sitting.change('let result', 'let amount')),
      sum.replaceAll('result', 'amount'),
    );
  });

  it('goes on at the beginning where nothing is left behind the cursor', async () => {
    const sitting = new Sitting('a(key);\nb(key);\nc(key);\n');
    assert.equal(sitting.line(await sitting.change('key', 'name', 2)), 'a(name);');
  });

  it('leaves alone what another declaration means', async () => {
    const text = `const item = 1;
function f(item: number) {
  return item;
}
const g = (item: string) => item;
for (const item of []) {
  use(item);
}
export { other };
`;
    assert.equal(await new Sitting(text).change('const item', 'const entry'), undefined);
  });

  it('leaves alone places where the new name means something else', async () => {
    const text = 'const a1 = 1;\nfunction f(b1: number) {\n  return a1 + b1;\n}\nuse(a1);\n';
    const sitting = new Sitting(text);
    assert.equal(
      await sitting.acceptAll(await sitting.change('const a1', 'const b1')),
      text.replace('const a1', 'const b1').replace('use(a1)', 'use(b1)'),
    );
  });

  it('leaves alone what changing would change twice: keys, exports', async () => {
    for (const [languageId, first, kept] of [
      ['go', 'n1 := 1', 'package a\nfunc f() {\n\tn1 := 1\n\tx := T{n1: n1}\n\treturn n1\n}\n'],
      ['rust', 'let n1', 'fn f() {\n  let n1 = 1;\n  let t = T { n1 };\n  g(n1);\n}\n'],
      ['typescript', 'const n1', 'const n1 = 1;\nexport { n1 };\n'],
    ] as const) {
      const sitting = new Sitting(kept, languageId);
      const offer = await sitting.change(first, first.replace('n1', 'count'));
      const after = await sitting.acceptAll(offer);
      assert.match(after, /T\{n1: count\}|T \{ n1 \}|export \{ n1 \}/, languageId);
      assert.doesNotMatch(after, /return n1|g\(n1\)/, languageId);
    }
  });

  it('leaves alone labels', async () => {
    const text = 'const a1 = 1;\na1: for (;;) {\n  break a1;\n}\nuse(a1);\n';
    const sitting = new Sitting(text);
    const after = await sitting.acceptAll(await sitting.change('const a1', 'const b1'));
    assert.equal(after, text.replace('const a1', 'const b1').replace('use(a1)', 'use(b1)'));
  });

  it('leaves alone what is out of reach of the declaration', async () => {
    const text = 'function f() {\n  const n = 1;\n  return 2;\n}\nfunction g() {\n  return n;\n}\n';
    assert.equal(await new Sitting(text).change('const n', 'const count'), undefined);
  });

  it('changes the parameter’s uses and not those outside', async () => {
    const text = 'const key = 1;\nfunction f(key: string) {\n  return key + key;\n}\nuse(key);\n';
    const sitting = new Sitting(text);
    assert.equal(
      await sitting.acceptAll(await sitting.change('f(key', 'f(name')),
      'const key = 1;\nfunction f(name: string) {\n  return name + name;\n}\nuse(key);\n',
    );
  });

  it('tells members from variables', async () => {
    const text = 'const size = 3;\nbox.size = 4;\nuse({ size: 1 }, size);\n';
    const sitting = new Sitting(text);
    assert.equal(
      await sitting.acceptAll(await sitting.change('const size', 'const width')),
      'const width = 3;\nbox.size = 4;\nuse({ size: 1 }, width);\n',
    );
    const members = new Sitting(text);
    const offer = await members.change('box.size', 'box.width');
    assert.equal(members.line(offer), 'use({ width: 1 }, size);');
  });

  it('leaves { name } alone, which is a key as well', async () => {
    assert.equal(await new Sitting('const size = 3;\nuse({ size });\n').change('size', 'width'), undefined);
  });

  it('leaves strings and comments alone', async () => {
    const text = 'const size = 3; // the size\nuse("size", `size`); /* size */\n';
    assert.equal(await new Sitting(text).change('const size', 'const width'), undefined);
  });

  it('offers words of comments where one in a comment was changed, and no names', async () => {
    const text = '// the colour\nconst colour = 1;\n/* a colour */\nuse("colour");\n';
    const sitting = new Sitting(text);
    const offer = await sitting.change('the colour', 'the color');
    assert.equal(sitting.line(offer), '/* a color */');
    assert.equal(offer?.candidate.why, 'words');
    assert.equal(offer.candidate.left, 1);
  });

  it('offers nothing where the new name is taken', async () => {
    const text = 'const a = 1;\nconst b = 2;\nuse(a, b);\n';
    assert.equal(await new Sitting(text).change('const a', 'const b'), undefined);
  });

  it('does not take a part of a name for a name', async () => {
    assert.equal(await new Sitting('const id = 1;\nuse(idle, grid);\n').change('id', 'key'), undefined);
  });

  it('takes what was typed in several goes for one change', async () => {
    const sitting = new Sitting(sum);
    await sitting.change('let result', 'let a');
    await sitting.change('let a', 'let amo');
    assert.equal(sitting.line(await sitting.change('let amo', 'let amount')), 'amount += value;');
  });

  it('exchanges nothing', async () => {
    const sitting = new Sitting('f(left, right);\ng(left);\nh(right);\n');
    assert.equal(await sitting.change('f(left, right)', 'f(right, left)'), undefined);
  });

  it('makes no rule of what became two things', async () => {
    const sitting = new Sitting('f(a1);\ng(a1);\nh(a1);\n');
    await sitting.change('a1', 'b1');
    assert.equal(await sitting.change('a1', 'c1'), undefined);
  });

  it('says when a name is nowhere declared, and when it still is', async () => {
    const free = await new Sitting('open(file);\nshow(file);\n').change('file', 'folder');
    assert.equal(free?.candidate.why, 'unknown');
    const used = await new Sitting('const file = 1;\nopen(file);\nshow(file);\n').change(
      'open(file',
      'open(folder',
    );
    assert.equal(used?.candidate.why, 'use');
  });

  it('knows scopes in C++ and Python', async () => {
    const cpp = new Sitting('int f(int n) {\n  return n * n;\n}\nint g(int n) { return n; }\n', 'cpp');
    assert.equal(
      await cpp.acceptAll(await cpp.change('f(int n', 'f(int count')),
      'int f(int count) {\n  return count * count;\n}\nint g(int n) { return n; }\n',
    );
    const python = new Sitting('def f(n):\n    return n.n + n\n\ndef g(n):\n    return n\n', 'python');
    assert.equal(
      await python.acceptAll(await python.change('f(n', 'f(count')),
      'def f(count):\n    return count.n + count\n\ndef g(n):\n    return n\n',
    );
  });

  it('offers nothing where there is no grammar', async () => {
    assert.equal(
      await new Sitting('size = 1\nuse(size)\nsize + 1\n', 'plaintext').change('size', 'width'),
      undefined,
    );
  });
});
