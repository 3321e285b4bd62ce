import * as assert from 'node:assert/strict';
import { planApply } from '../../../client/src/features/chat/applyPlan';
import { bestMatches } from '../../../client/src/features/chat/fuzzy';
import { shortened } from '../../../client/src/features/chat/shortened';

const file = [
  'import x from "x";',
  '',
  'class A {',
  '  one() {',
  '    return 1;',
  '  }',
  '',
  '  two() {',
  '    return 2;',
  '  }',
  '}',
  '',
].join('\n');

const none = { attached: undefined, cursorLine: undefined };

describe('client: what a code block makes of a file', () => {
  it('takes the place of the whole file where it is one', () => {
    const code = file.replace('return 2', 'return 3').trimEnd();
    const plan = planApply({ text: file, code, ...none });
    assert.equal(plan.how, 'file');
    assert.equal(plan.result, file.replace('return 2', 'return 3'));
    assert.equal(planApply({ text: '', code: 'a\n', ...none }).result, 'a\n');
  });

  it('takes the place of what was attached, at its indentation', () => {
    const plan = planApply({
      text: file,
      code: 'zwei() {\n  return 22;\n}\n',
      attached: { start: 7, end: 10 },
      cursorLine: 0,
    });
    assert.equal(plan.how, 'lines');
    assert.equal(
      plan.result,
      file.replace('  two() {\n    return 2;\n  }', '  zwei() {\n    return 22;\n  }'),
    );
  });

  it('takes the place of the block that begins and ends alike', () => {
    const plan = planApply({
      text: file,
      code: 'two() {\n  log();\n  return 2;\n}',
      attached: undefined,
      cursorLine: 0,
    });
    assert.equal(plan.how, 'lines');
    assert.deepEqual(plan.lines, { start: 7, end: 10 });
    assert.equal(plan.result, file.replace('    return 2;', '    log();\n    return 2;'));
  });

  it('is inserted where nothing says what it replaces: then no line goes', () => {
    const atCursor = planApply({ text: file, code: 'three() {}\n', attached: undefined, cursorLine: 3 });
    assert.equal(atCursor.how, 'insert');
    assert.equal(atCursor.result, file.replace('  one() {', '  three() {}\n  one() {'));
    const atEnd = planApply({ text: file, code: 'const z = 1;', ...none });
    assert.equal(atEnd.result, `${file}const z = 1;\n`);
    const twice = `${file}\n${file}`;
    const unclear = planApply({ text: twice, code: 'two() {\n  return 5;\n}', ...none });
    assert.equal(unclear.how, 'insert');
    assert.ok(unclear.result.startsWith(twice.trimEnd()));
  });

  it('loses no line but those that it says it replaces', () => {
    for (const attached of [undefined, { start: 3, end: 6 }, { start: 90, end: 99 }]) {
      for (const cursorLine of [undefined, 0, 1, 6, 11, 500]) {
        for (const code of ['a', 'two() {\n}', 'x\ny\nz', file.slice(0, 60)]) {
          const plan = planApply({ text: file, code, attached, cursorLine });
          const lines = file.split('\n');
          const kept = [...lines.slice(0, plan.lines.start), ...lines.slice(plan.lines.end)].filter(
            (line) => line !== '',
          );
          const result = plan.result.split('\n');
          if (plan.how !== 'file') {
            assert.deepEqual(
              kept.filter((line) => !result.includes(line)),
              [],
            );
          }
        }
      }
    }
  });

  it('keeps line ends of two characters', () => {
    const plan = planApply({ text: file.replaceAll('\n', '\r\n'), code: 'two() {\n  return 9;\n}', ...none });
    assert.equal(plan.result, file.replaceAll('\n', '\r\n').replace('return 2', 'return 9'));
  });
});

describe('client: finding and shortening', () => {
  const paths = ['src/chat/view.ts', 'src/view.ts', 'docs/viewing.md', 'src/other.ts', 'v/i/e/w.ts'];

  it('puts names before folders, and folders before mere letters', () => {
    assert.deepEqual(
      bestMatches(paths, (path) => path, 'view', 9),
      ['src/view.ts', 'src/chat/view.ts', 'docs/viewing.md', 'v/i/e/w.ts'].sort((a, b) => {
        const order = ['src/chat/view.ts', 'src/view.ts', 'docs/viewing.md', 'v/i/e/w.ts'];
        return order.indexOf(a) - order.indexOf(b);
      }),
    );
    assert.deepEqual(
      bestMatches(paths, (path) => path, '', 2),
      paths.slice(0, 2),
    );
    assert.deepEqual(
      bestMatches(paths, (path) => path, 'zzz', 2),
      [],
    );
  });

  it('cuts a long diff between two files, and says so', () => {
    const part = (name: string): string => `diff --git a/${name} b/${name}\n${'+x\n'.repeat(30)}`;
    const diff = part('a') + part('b') + part('c');
    const short = shortened(diff, 150);
    assert.ok(short.startsWith(part('a').trimEnd()) && !short.includes('a/b b/b'));
    assert.match(short, /\(2 more files are not shown\.\)\n$/);
    assert.equal(shortened(diff, 10_000), diff);
  });
});
