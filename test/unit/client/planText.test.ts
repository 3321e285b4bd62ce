import { strict as assert } from 'node:assert';
import { planText, readPlanText } from '#client/features/files/planText';

describe('client: the text of a plan', () => {
  it('says what it was made of', () => {
    const files = [
      { path: 'src/a.ts', purpose: 'what it\nis for' },
      { path: 'src/b c.ts', purpose: '' },
    ];
    const text = planText(['Files for: x\ny', 'A line a file.'], files);
    assert.equal(text, '# Files for: x y\n# A line a file.\n\nsrc/a.ts — what it is for\nsrc/b c.ts\n');
    assert.deepEqual(
      readPlanText(text).map(({ path, purpose, line }) => [path, purpose, line]),
      [
        ['src/a.ts', 'what it is for', 3],
        ['src/b c.ts', '', 4],
      ],
    );
  });

  it('takes lines as people write them', () => {
    const read = (line: string): readonly string[] =>
      readPlanText(line).flatMap(({ path, purpose, start, end }) => [path, purpose, line.slice(start, end)]);
    assert.deepEqual(read('  src/a.ts —  b — c'), ['src/a.ts', 'b — c', 'src/a.ts']);
    assert.deepEqual(read('src/a-b.ts - for x'), ['src/a-b.ts', 'for x', 'src/a-b.ts']);
    assert.deepEqual(read('src/a.ts – x\r'), ['src/a.ts', 'x', 'src/a.ts']);
    assert.deepEqual(read('src/a.ts --'), ['src/a.ts', '', 'src/a.ts']);
    assert.deepEqual(read('\tsrc/a.ts\t'), ['src/a.ts', '', 'src/a.ts']);
    assert.deepEqual(read('# src/a.ts'), []);
    assert.deepEqual(read('   '), []);
    assert.deepEqual(
      readPlanText('a\r\nb\rc').map(({ line }) => line),
      [0, 1, 2],
    );
  });
});
