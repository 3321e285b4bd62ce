import * as assert from 'node:assert/strict';
import { alignLine } from '../../../../server/src/completion/copy/aligned';
import { lexemesOf } from '../../../../server/src/completion/copy/lexemes';
import { agreeBackwards, occurrencesIn } from '../../../../server/src/completion/copy/occurrences';
import { copyCandidates, type CopyCandidate } from '../../../../server/src/completion/copy/predict';
import { processorMs } from '../../../support/processorTime';

/** Candidates at the '|' of a text, by their text. */
function at(marked: string, others: readonly string[] = []): Map<string, CopyCandidate> {
  const offset = marked.indexOf('|');
  const rest = marked.slice(offset + 1);
  const end = rest.indexOf('\n');
  const nextLines = end < 0 ? '' : rest.slice(end);
  return new Map(
    copyCandidates({ before: marked.slice(0, offset), nextLines, others }).map((one) => [one.text, one]),
  );
}

function aligned(typed: string, line: string): string | undefined {
  return alignLine(lexemesOf(typed), lexemesOf(line))?.rest;
}

describe('completion: lexemes', () => {
  it('have all of a line, in order', () => {
    for (const line of ['', 'const a1 = "b\\"c" + `d`; // é', "it's 0x1f.5", '\t  x', '🌳"', '"open']) {
      assert.equal(
        lexemesOf(line)
          .map(({ text }) => text)
          .join(''),
        line,
      );
    }
  });
});

describe('completion: occurrences', () => {
  it('agree whatever the indentation is, but not over a line break that is not there', () => {
    assert.equal(agreeBackwards('a;\n  b(', 'a;\n\t\tb(', 7).matched, 'a;\nb('.length);
    assert.equal(agreeBackwards('a;\nb(', 'a; b(', 5).matched, 2);
    assert.equal(agreeBackwards('a;\n  b(', 'a;\r\n  b(', 8).lines, 1);
  });

  it('count whole words only', () => {
    assert.equal(agreeBackwards('foo(bar', 'foo(bar', 7).words, 2);
    assert.equal(agreeBackwards('xfoo(bar', 'yfoo(bar', 8).words, 1);
  });

  it('are found behind blanks, too, and never at the end of the text itself', () => {
    const before = 'if (a) {\n  return 1;\n}\nif (b) {\n  ';
    const found = occurrencesIn(before, before, 3, 10);
    assert.deepEqual(
      found.map(({ end }) => before.slice(end, end + 6)),
      ['return'],
    );
    assert.deepEqual(occurrencesIn('ab', 'abab', 3, 10), []);
  });
});

describe('completion: lines of the same shape', () => {
  it('go on with the names changed', () => {
    assert.equal(aligned('this.width = ', 'this.height = height;'), 'width;');
    assert.equal(aligned('this.setWidth(', 'this.setHeight(this.height);'), 'this.width);');
    assert.equal(aligned("import { Pear } from './", "import { Apple } from './apple';"), "pear';");
    assert.equal(aligned("import { Pear } from '", "import { Apple } from './Apple';"), "./Pear';");
  });

  it('finish a name that the others foretell', () => {
    assert.equal(aligned('const width = getWi', 'const height = getHeight(box);'), 'dth(box);');
  });

  it('are none where other signs stand, or one name would have two others', () => {
    assert.equal(aligned('a.b = ', 'a->b = c;'), undefined);
    assert.equal(aligned('x = y + ', 'a = a + a;'), undefined);
    assert.equal(aligned('let a = 1', 'let a'), undefined);
  });
});

describe('completion: what the text foretells', () => {
  it('is what followed where the same was written before, the more so the longer it agrees', () => {
    const found = at('log(a, b);\nwarn(a, c);\nlog(x, y);\nlog(a, |\n');
    const best = [...found.values()].sort((x, y) => y.features.share - x.features.share)[0];
    assert.equal(best?.text, 'b);');
    assert.ok(best.features.matched >= 7);
  });

  it('has a vote of each place', () => {
    const found = at('f(1);\nf(1);\nf(2);\n  f(|\n');
    assert.equal(found.get('1);'), undefined, 'f( is too short to be looked for');
    const longer = at('call(1);\ncall(1);\ncall(2);\n  call(|\n');
    assert.equal(longer.get('1);')?.features.votes, 2);
    assert.equal(longer.get('2);')?.features.votes, 1);
    assert.ok((longer.get('1);')?.features.share ?? 0) > 0.5);
  });

  it('is also behind the cursor and in other files, and says so', () => {
    const found = at('await open(|\nx;\nawait open(path);\n', ['await open(other);']);
    assert.equal(found.get('path);')?.features.behind, 1);
    assert.equal(found.get('path);')?.features.otherFile, 0);
    assert.equal(found.get('other);')?.features.otherFile, 1);
  });

  it('knows where the next line agrees as well', () => {
    const found = at('begin(1);\nend();\nbegin(2);\nstop();\nbegin(|\nstop();\n');
    assert.equal(found.get('2);')?.features.nextAgrees, 1);
    assert.equal(found.get('1);')?.features.nextAgrees, 0);
  });

  it('takes milliseconds where texts are made to take long', () => {
    const hostile: [string, string][] = [
      ['blank lines', `${'abc x\n'.repeat(600)}${'\n'.repeat(390_000)}abc`],
      ['blanks', `${'abc '.repeat(600)}${' '.repeat(390_000)}abc`],
      ['blanks between', `abc${' '.repeat(600)}`.repeat(600)],
      ['one line', 'foo,'.repeat(75_000)],
      ['one character', 'a'.repeat(400_000)],
      ['the same line', 'let abc = 1;\n'.repeat(100_000)],
    ];
    for (const [name, before] of hostile) {
      let found: readonly CopyCandidate[] = [];
      const ms = processorMs(() => {
        found = copyCandidates({ before, nextLines: '', others: [before] });
      });
      assert.ok(ms < 150, `${name}: ${ms.toFixed(0)} ms`);
      assert.ok(
        found.every(({ text }) => text.length <= 300),
        name,
      );
    }
  });

  it('takes milliseconds in a file of 20,000 lines', () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, i) => `  const value${String(i)} = compute(${String(i % 97)});`,
    );
    const before = `${lines.slice(0, 10_000).join('\n')}\n  const value = com`;
    const nextLines = `\n${lines.slice(10_000).join('\n')}`;
    copyCandidates({ before, nextLines, others: [] });
    let found: readonly CopyCandidate[] = [];
    const ms = processorMs(() => {
      found = copyCandidates({ before: `${before}p`, nextLines, others: [] });
    });
    assert.ok(found.length > 50);
    assert.ok(ms < 100, `${ms.toFixed(0)} ms`);
  });
});
