import { strict as assert } from 'node:assert';
import { atIndentOf, withoutRepeated } from '#server/edit/answerText';

const lines = (text: string): readonly string[] => text.split('\n');

describe('edit/answerText', () => {
  const before = lines('class A {\n  first(): void {\n    this.x = 1;\n  }\n');
  const original = lines('  second(): void {\n    this.y = 2;\n  }');
  const after = lines('}\n\nexport const a = new A();');
  const bare = (answer: string): string =>
    withoutRepeated(lines(answer), { original, before, after }).join('\n');

  it('takes off lines around the range that a model has said again', () => {
    const answer = '  second(): void {\n    this.y = 3;\n  }';
    assert.equal(bare(answer), answer);
    assert.equal(bare(`    this.x = 1;\n  }\n\n${answer}`), answer);
    assert.equal(bare(`${answer}\n}`), answer, 'a bracket too many');
    assert.equal(bare(`${answer}\n}\n\nexport const a = new A();`), answer);
    assert.equal(bare(`class A {\n${answer}\n}`), `class A {\n${answer}\n}`, 'not right before the range');
  });

  it('leaves alone what may be meant', () => {
    const inner = { original: lines('  push(1);'), before: lines('  push(0);'), after: lines('  push(2);') };
    for (const answer of ['  push(0);\n  push(1);', '  push(1);\n  push(2);', '  push(0);', '']) {
      assert.equal(withoutRepeated(lines(answer), inner).join('\n'), answer);
    }
    const same = { original: lines('}\n}'), before: lines('}\n}'), after: [] };
    assert.equal(withoutRepeated(lines('}\n}'), same).join('\n'), '}\n}');
  });

  it('takes off a line that opens a block around the range, in languages without brackets too', () => {
    const python = { original: ['    return 1'], before: ['def f():'], after: ['', 'x = f()'] };
    assert.equal(withoutRepeated(['def f():', '    return 2'], python).join('\n'), '    return 2');
  });

  it('moves an answer to where the range stands, whole or not at all', () => {
    const at = (answer: string, range: string): string => atIndentOf(lines(answer), lines(range)).join('\n');
    assert.equal(at('if (a) {\n  b();\n}', '    c();'), '    if (a) {\n      b();\n    }');
    assert.equal(at('    if a:\n        b()', '  c()'), '  if a:\n      b()');
    assert.equal(at('  a\nb', '    a\n  b'), '  a\nb', 'a line stands further left than the first');
    assert.equal(at('\ta\n\n\t\tb', '\t\ta'), '\t\ta\n\n\t\t\tb');
    assert.equal(at('  a', '\ta'), '  a');
    assert.equal(at('  a', ''), '  a');
    assert.equal(at('  text`\nx`;', '  a'), '  text`\nx`;');
  });
});
