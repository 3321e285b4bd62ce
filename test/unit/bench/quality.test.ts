/** What "npm run bench:completion" makes of suggestions: cursors, figures, verdicts, the prompts of the peer. */
import * as assert from 'node:assert/strict';
import { qualityBars } from '../../../bench/completion/quality/bars.mjs';
import { plainCopy } from '../../../bench/completion/quality/copy.mjs';
import { kinds, makeCuts, type SourceFile } from '../../../bench/completion/quality/cuts.mjs';
import {
  confirmed,
  exact,
  interval,
  precisionAt,
  ratioInterval,
  similarity,
  summarise,
  type Row,
} from '../../../bench/completion/quality/metrics.mjs';
import { passAt1, type Problem, type Said } from '../../../bench/completion/quality/humaneval.mjs';
import { around, fitted, forms } from '../../../bench/completion/quality/peerPrompt.mjs';
import {
  judgeModel,
  judgePrecision,
  judgeRatio,
  peerForms,
  peerName,
} from '../../../bench/completion/quality/verdicts.mjs';

function source(path: string, lines: readonly string[]): SourceFile {
  return { source: 'own', language: 'typescript', path, file: path, text: lines.join('\n') };
}

const row = (change: Partial<Row> = {}): Row => ({
  ...{ said: 'x', exact: false, confirmed: false, similarity: 0, confidence: 0.5 },
  ...change,
});
/** `right` exact ones of `count`. */
const rows = (right: number, count = 100): Row[] =>
  Array.from({ length: count }, (_, i) => row({ exact: i < right, confirmed: i < right }));

const code = Array.from({ length: 40 }, (_, i) => `  const value${String(i)} = compute(${String(i)});  `);

describe('quality: cursors', () => {
  const files = [source('a.ts', code), source('b.ts', ['', '', '', '// a comment that is long', ...code])];

  it('are the same every time, and other ones for another seed', () => {
    for (const kind of kinds) {
      assert.deepEqual(makeCuts(files, kind, 30), makeCuts(files, kind, 30));
      assert.notDeepEqual(makeCuts(files, kind, 30), makeCuts(files, kind, 30, 'another'));
      assert.equal(
        new Set(makeCuts(files, kind, 30).map((cut) => `${cut.path} ${String(cut.line)}`)).size,
        30,
      );
    }
  });

  it('take the rest of the line away and keep all else', () => {
    for (const kind of kinds) {
      for (const cut of makeCuts(files, kind, 60)) {
        const { text } = files.find(({ path }) => path === cut.path) as SourceFile;
        assert.equal(cut.text, text.slice(0, cut.offset) + text.slice(cut.lineEnd));
        assert.equal(cut.expected, text.slice(cut.offset, cut.lineEnd).trimEnd());
        assert.equal(cut.follows, text.slice(cut.offset));
        assert.ok(cut.expected.length >= 3 && cut.line > 3);
        const lineStart = cut.text.lastIndexOf('\n', cut.offset - 1) + 1;
        const written = cut.text.slice(lineStart, cut.offset);
        assert.doesNotMatch(written, /\/\//, 'no comments');
        assert.equal(kind === 'next' ? written : written.slice(0, 2), '  ');
      }
    }
  });

  it('of a file do not depend on other files', () => {
    const [alone, among] = [[files[0] as SourceFile], files].map((some) =>
      makeCuts(some, 'rest', 1000).filter(({ path }) => path === 'a.ts'),
    );
    assert.deepEqual(alone, among);
  });

  it('are fewer where there are fewer lines', () => {
    assert.equal(makeCuts([source('a.ts', code.slice(0, 5))], 'rest', 10).length, 2);
  });
});

describe('quality: the plain copy', () => {
  const at = (text: string): ReturnType<typeof plainCopy> =>
    plainCopy(text.replace('|', ''), text.indexOf('|'));

  it('takes what followed the longest match, the nearest one before the cursor', () => {
    assert.equal(at('foo(1, a);\nbar(1, b);\nfoo(1, c);\nxfoo(1, |\n').text, 'c);');
    assert.equal(at('if (foo(1, a);\nfoo(1, c);\n  if (foo(1, |\n').text, 'a);');
  });

  it('looks behind the cursor for longer matches only', () => {
    assert.equal(at('const value|\nconst value = 7;  \n').text, '= 7;'.padStart(5));
    assert.equal(at('abcd|\nabcd = 7;\n').text, '');
  });

  it('says nothing where nothing is like it, and nothing beyond the line', () => {
    assert.deepEqual(at('one two|\nthree'), { text: '', confidence: 0, match: 0 });
    assert.equal(at('return x\nnext\nreturn x|\n').text, '');
  });

  it('leaves out indentation that is there already', () => {
    assert.equal(at('begin {\n    call();\n}\nbegin {\n  |\n').text, 'call();');
  });
});

describe('quality: figures', () => {
  it('call a suggestion exact by its first line, but for white space at the end', () => {
    assert.equal(exact('a();\nb();', 'a();  '), true);
    assert.equal(exact('a(); ', 'a();'), true);
    assert.equal(exact(' a();', 'a();'), false);
    assert.equal(exact('', ''), false);
  });

  it('call a suggestion confirmed when the text goes on with all of it', () => {
    assert.equal(confirmed('a(', 'a();\nb();'), true);
    assert.equal(confirmed('a();\n  b();', 'a();\nb();\nc();'), true);
    assert.equal(confirmed('a();\nc();', 'a();\nb();'), false);
    assert.equal(confirmed('  ', 'a'), false);
  });

  it('measure similarity by edits', () => {
    assert.equal(similarity('abc', 'abc'), 1);
    assert.equal(similarity('abc', ''), 0);
    assert.equal(similarity('kitten', 'sitting'), 1 - 3 / 7);
    assert.equal(similarity('', ''), 1);
  });

  it('give the interval of a share', () => {
    const [low, high] = interval(20, 100);
    assert.ok(Math.abs(low - 0.1334) < 1e-3 && Math.abs(high - 0.2888) < 1e-3);
    assert.deepEqual(
      interval(0, 10).map((x) => x.toFixed(2)),
      ['0.00', '0.28'],
    );
  });

  it('take the surest first; silence comes last and counts as wrong', () => {
    const list = [
      row({ confidence: 0.9, confirmed: true }),
      row({ confidence: 0.1, confirmed: true }),
      row({ confidence: 0.5 }),
      row({ said: '', confidence: 1 }),
    ];
    const good = ({ confirmed: kept }: Row): boolean => kept;
    assert.equal(precisionAt(list, 0.25, good), 1);
    assert.equal(precisionAt(list, 0.5, good), 0.5);
    assert.equal(precisionAt(list, 1, good), 0.5);
    const { shown, precision, coverage } = summarise(list);
    assert.deepEqual([shown, precision, coverage], [3, 2 / 3, 0.75]);
    assert.equal(summarise([row({ said: '' })]).precision, null);
  });

  it('draw the interval of a ratio around it', () => {
    const [low, high] = ratioInterval(rows(40), rows(20));
    assert.ok(low > 1.2 && low < 2 && high > 2 && high < 4, `${String(low)} ${String(high)}`);
    assert.deepEqual(ratioInterval(rows(40), rows(20)), [low, high]);
  });
});

describe('quality: verdicts', () => {
  const predictors = (whole: number, model: number, copy: number, peers: readonly number[]) => ({
    ...{ whole: rows(whole), model: rows(model), 'plain copy': rows(copy) },
    ...Object.fromEntries(peerForms.map((form, i) => [peerName(form), rows(peers[i] ?? 0)])),
  });

  it('have the ids that reports are compared by', () => {
    assert.deepEqual(Object.keys(qualityBars).sort(), ['em-model', 'em-ratio', 'precision']);
  });

  it('compare the whole with the better of the plain copy and the plain peer, and name a better peer', () => {
    assert.equal(judgeRatio(predictors(30, 10, 20, [5, 5, 5])).value, 1.5);
    assert.equal(judgeRatio(predictors(30, 10, 20, [25, 5, 5])).value, 30 / 25);
    const { value, note } = judgeRatio(predictors(30, 10, 20, [0, 40, 5]));
    assert.equal(value, 1.5);
    assert.match(note, /over the peer's best \(peer, suffix first\) 0\.75x/);
  });

  it("compare the model with the peer's best, and say what that is over a plain prompt that never works", () => {
    const { value, note } = judgeModel(predictors(30, 12, 20, [0, 3, 4]));
    assert.equal(value, 3);
    assert.match(note, /peer, prefix only.*over its plain prompt nothing right to compare with/);
    assert.equal(judgeModel(predictors(30, 12, 20, [0, 0, 0])).value, null, 'a ratio to nothing is no value');
  });

  it('take what is shown by default where that is enough, and else the surest fifth', () => {
    const sure = (count: number, kept: number): Row[] =>
      Array.from({ length: 100 }, (_, i) => row({ confidence: i < count ? 0.9 : 0.1, confirmed: i < kept }));
    assert.equal(judgePrecision(sure(25, 15), 0.5).value, 60);
    const { value, note } = judgePrecision(sure(10, 10), 0.5);
    assert.equal(value, 50);
    assert.match(note, /the default shows less.*at 10\.0 % of 100 cursors, 10 of 10 confirmed/);
  });
});

describe("quality: the peer's prompts", () => {
  const lines = Array.from({ length: 700 }, (_, i) => `line ${String(i)}`);
  const text = lines.join('\n');
  const offset = text.indexOf('line 400') + 4;

  it('have 256 lines before the cursor and 64 behind it', () => {
    const { earlier, line, behind } = around({
      text: text.slice(0, offset) + text.slice(offset + 4),
      offset,
    });
    assert.equal(line, 'line');
    assert.equal(earlier, `${lines.slice(144, 400).join('\n')}\n`);
    assert.equal(behind, `\n${lines.slice(401, 465).join('\n')}`);
    assert.deepEqual(around({ text: 'ab', offset: 1 }), { earlier: '', line: 'a', behind: 'b' });
  });

  it('send the current line behind the middle token, and nothing of a blank one', () => {
    const shape = (line: string): unknown =>
      forms['plain']?.({ earlier: 'e\n', line, behind: '\nb' }, 'p.ts').map(
        (part): unknown => Object.values(part)[0],
      );
    assert.deepEqual(shape('a'), ['<|fim_prefix|>', 'e\n', '<|fim_suffix|>', '\nb', '<|fim_middle|>', 'a']);
    assert.deepEqual(shape('  '), ['<|fim_prefix|>', 'e\n', '<|fim_suffix|>', '\nb', '<|fim_middle|>', '']);
  });

  it('lose the beginning of the prefix and the end of the suffix where they do not fit', () => {
    const count = (from: number, to: number): number[] =>
      Array.from({ length: to - from }, (_, i) => from + i);
    const parts = [
      { control: 'c', tokens: [1] },
      { prefix: 'p', tokens: count(100, 200) },
      { suffix: 's', tokens: count(300, 400) },
      { text: 't', tokens: [2] },
    ];
    assert.deepEqual(fitted(parts, 42), [1, ...count(170, 200), ...count(300, 310), 2]);
    assert.deepEqual(fitted(parts, 1000).length, 202);
    const short = [{ prefix: 'p', tokens: [7, 8] }, parts[2] as (typeof parts)[number]];
    assert.deepEqual(
      fitted(short, 42),
      [7, 8, ...count(300, 340)],
      'what one side does not need the other gets',
    );
  });
});

describe('quality: programs', () => {
  const problem = (expected: string): Problem => ({
    ...{ text: 'f();)', offset: 2, expected },
    program: (text) => `<${text}>`,
  });

  it('puts suggestions in, and leaves out problems that tell nothing', async () => {
    const tried: string[] = [];
    const run = (program: string): Promise<boolean> => {
      tried.push(program);
      return Promise.resolve(program === '<f(a);)>' || program === '<f(b)>');
    };
    const said = (text: string, end?: number) => (): Promise<Said> =>
      Promise.resolve({ text, ...(end !== undefined && { end }) });
    const found = await passAt1([problem('a'), problem('wrong')], run, {
      right: said('a'),
      other: said('b)', 5),
      wrong: said('c'),
      silent: said(''),
    });
    assert.deepEqual(found, {
      ...{ problems: 2, broken: 1, needless: 0, used: 1 },
      predictors: {
        right: { passed: 1, exact: 1 },
        other: { passed: 1, exact: 0 },
        wrong: { passed: 0, exact: 0 },
        silent: { passed: 0, exact: 0 },
      },
    });
    assert.ok(tried.includes('<f();)>'), 'the problem is tried with nothing put in');
    const needless = await passAt1([problem('a')], () => Promise.resolve(true), { right: said('a') });
    assert.deepEqual([needless.needless, needless.used], [1, 0]);
  });
});
