import * as assert from 'node:assert/strict';
import { applyEdits, linesOf, withoutEnd } from '#protocol';
import { blockChanges, parseBlocks, type Block } from '#server/edit/core/index';
import { Random } from '../../support/random';
import { pick } from './support';

const all = { start: 0, end: Number.POSITIVE_INFINITY };

function said(...blocks: readonly Block[]): string {
  return blocks
    .map(({ search, replacement }) =>
      ['<<<<<<< SEARCH', ...search, '=======', ...replacement, '>>>>>>> REPLACE', ''].join('\n'),
    )
    .join('');
}

describe('search/replace blocks: reading', () => {
  const blocks: Block[] = [
    { search: ['a', '  b'], replacement: ['c'] },
    { search: ['d'], replacement: [] },
  ];

  it('finds them, whatever stands around them', () => {
    assert.deepEqual(parseBlocks(said(...blocks), true), { blocks, problem: '', open: null });
    for (const answer of [
      `Here it is:\n\n\`\`\`ts\n${said(...blocks)}\`\`\`\nThat is all.`,
      said(...blocks).replaceAll('\n', '\r\n'),
      said(...blocks).replaceAll('SEARCH', 'SEARCH  \t'),
      said(...blocks)
        .replaceAll('<<<<<<< ', '<<<<< ')
        .replaceAll('>>>>>>> ', '>>>>>>>>>'),
      said(...blocks).trimEnd(),
    ]) {
      assert.deepEqual(parseBlocks(answer, true), { blocks, problem: '', open: null }, answer);
    }
  });

  it('refuses what may be read in several ways, and says what is wrong', () => {
    const [s, d, r] = ['<<<<<<< SEARCH', '=======', '>>>>>>> REPLACE'];
    for (const [lines, words] of [
      [[], 'no block'],
      [['some words'], 'no block'],
      [[s, 'a', d, 'b'], 'Block 1 is not finished'],
      [[s, 'a'], 'Block 1 is not finished'],
      [[s, 'a', d, 'b', d, 'c', r], 'Block 1 has a second divider, in line 5'],
      [[s, 'a', r], 'Block 1 ends without a divider, in line 3'],
      [[s, 'a', s, 'b', d, 'c', r], 'Block 1 is not finished where another begins, in line 3'],
      [[s, 'a', d, s, 'b', d, 'c', r], 'not finished where another begins'],
      [[s, 'a', d, 'b', r, 'c', r], 'an end of a block outside a block, in line 7'],
      [[d, s, 'a', d, 'b', r], 'a divider outside a block, in line 1'],
      // Rows of "=" of other lengths are headings, not dividers.
      [[s, 'a', '======', 'b', r], 'ends without a divider'],
      // Indented markers are text.
      [[`  ${s}`, 'a', d, 'b', r], 'a divider outside'],
    ] as const) {
      const { problem } = parseBlocks(lines.join('\n'), true);
      assert.ok(problem.includes(words), `${problem} / ${words}`);
    }
  });

  it('says what is certain of a part, and takes nothing back', () => {
    const answer = `Words\n${said(...blocks)}`;
    let last = 0;
    for (let length = 0; length <= answer.length; length += 1) {
      const part = parseBlocks(answer.slice(0, length), false);
      assert.equal(part.problem, '');
      assert.ok(part.blocks.length >= last);
      assert.deepEqual(part.blocks, blocks.slice(0, part.blocks.length));
      last = part.blocks.length;
    }
    assert.equal(last, 2);
    // A line that is not finished may go on: ">>>>>>> REPLACED" is none.
    assert.equal(parseBlocks(said(...blocks).trimEnd(), false).blocks.length, 1);
    assert.deepEqual(parseBlocks('<<<<<<< SEARCH\na\n=======\nb\nc', false).open, {
      search: ['a'],
      replacement: ['b'],
    });
    assert.deepEqual(parseBlocks('<<<<<<< SEARCH\na\nb\n', false).open, {
      search: ['a', 'b'],
      replacement: null,
    });
  });
});

describe('search/replace blocks: where they belong', () => {
  const file = [
    'function one() {',
    '    const a = 1;',
    '    return a;',
    '}',
    '',
    'function two() {',
    '    const a = 1;',
    '    return a + a;',
    '}',
    '',
  ].join('\n');

  const changed = (text: string, ...blocks: readonly Block[]): string => {
    const { edits, problem } = blockChanges(text, all, blocks);
    return problem === '' ? applyEdits(text, edits) : problem;
  };

  it('stands exactly there', () => {
    assert.equal(
      changed(file, { search: ['    return a;'], replacement: ['    return 2;', '    // never'] }),
      file.replace('return a;', 'return 2;\n    // never'),
    );
  });

  it('goes by the range where a text stands in it once', () => {
    const block = { search: ['    const a = 1;'], replacement: ['    const a = 2;'] };
    const { edits, places } = blockChanges(file, { start: 5, end: 9 }, [block]);
    assert.deepEqual(places, [{ start: 6, end: 7 }]);
    assert.equal(applyEdits(file, edits).lastIndexOf('a = 2'), file.lastIndexOf('a = 1'));
  });

  it('is refused where it stands nowhere, several times, or says nothing', () => {
    assert.match(
      changed(file, { search: ['  return b;'], replacement: [] }),
      /^Block 1: .* do not stand in lines 1 to 9/,
    );
    assert.match(
      changed(file, { search: ['    const a = 1;'], replacement: ['x'] }),
      /^Block 1: .* stand at several places, in lines 2, 7\./,
    );
    assert.match(changed(file, { search: [], replacement: ['x'] }), /does not say which lines/);
    // Part of a line is not a line.
    assert.match(changed(file, { search: ['return a'], replacement: ['x'] }), /do not stand/);
    assert.match(changed(file, { search: ['function  one() {'], replacement: ['x'] }), /do not stand/);
  });

  it('tolerates other indentation and trailing white space, and moves what is new', () => {
    const wanted = file.replace(
      '    const a = 1;\n    return a;',
      '    const a = 1;\n    if (a) {\n        return 0;\n    }\n    return a;',
    );
    for (const [search, replacement] of [
      [
        ['const a = 1;', 'return a;'],
        ['const a = 1;', 'if (a) {', '    return 0;', '}', 'return a;'],
      ],
      [
        ['  const a = 1;  ', '  return a;'],
        ['  const a = 1;', '  if (a) {', '    return 0;', '  }', '  return a;'],
      ],
      [
        ['\tconst a = 1;', '\treturn a;\t'],
        ['\tconst a = 1;', '\tif (a) {', '\t\treturn 0;', '\t}', '\treturn a;'],
      ],
    ] as const) {
      assert.equal(changed(file, { search, replacement }), wanted);
    }
  });

  it('writes tabs where the file has tabs', () => {
    const tabs = file.replaceAll('    ', '\t');
    assert.equal(
      changed(tabs, {
        search: ['  const a = 1;', '  return a + a;'],
        replacement: ['  if (b) {', '    return 0;', '  }'],
      }),
      tabs.replace('\tconst a = 1;\n\treturn a + a;', '\tif (b) {\n\t\treturn 0;\n\t}'),
    );
  });

  it('leaves lines alone that a block keeps', () => {
    const text = 'a  \n    b\t\nc\n';
    assert.equal(
      changed(text, { search: ['a', '  b', 'c'], replacement: ['a', '  b', '  new', 'c'] }),
      'a  \n    b\t\n    new\nc\n',
    );
  });

  it('takes no lines for indented otherwise that are nested otherwise', () => {
    assert.match(
      changed('if a:\n    b\nc\n', { search: ['if a:', 'b'], replacement: ['x'] }),
      /do not stand/,
    );
    assert.match(changed('  a\n  b\n', { search: ['a', '  b'], replacement: ['x'] }), /do not stand/);
    // An exact place counts alone, even where others are the same but for white space.
    assert.equal(changed('  a\na\n', { search: ['a'], replacement: ['b'] }), '  a\nb\n');
  });

  it('refuses new lines that are less deep than anything says', () => {
    assert.match(
      changed('  a\n   b\n', { search: ['      a'], replacement: ['x', '      a'] }),
      /how deep its new lines are indented .* not certain/,
    );
  });

  it('refuses blocks that overlap, and takes the same one twice for one', () => {
    const [one, two] = [
      { search: ['function one() {', '    const a = 1;', '    return a;'], replacement: ['x'] },
      { search: ['    return a;', '}'], replacement: ['y'] },
    ];
    assert.match(changed(file, one, two), /^The blocks 1 and 2 both replace line 3\./);
    assert.match(changed(file, two, one), /^The blocks 1 and 2 both replace line 3\./);
    assert.equal(changed(file, one, one), changed(file, one));
    // Side by side is apart.
    const three = { search: ['}', '', 'function two() {'], replacement: ['z'] };
    assert.equal(changed(file, three, one), changed(changed(file, one), three));
  });

  it('lets the order choose only where it is kept, and leaves one choice', () => {
    const again = { search: ['    const a = 1;'], replacement: ['    const a = 3;'] };
    const end = { search: ['    return a + a;'], replacement: ['    return 4;'] };
    const second = { search: ['function two() {'], replacement: ['function three() {'] };
    const ordered = (...blocks: readonly Block[]) => blockChanges(file, all, blocks, { inOrder: true });
    assert.notEqual(blockChanges(file, all, [second, again]).problem, '');
    assert.deepEqual(ordered(second, again).places[1], { start: 6, end: 7 });
    assert.deepEqual(ordered(again, second).places[0], { start: 1, end: 2 });
    assert.deepEqual(
      ordered(again, again).places.map(({ start }) => start),
      [1, 6],
    );
    assert.match(ordered(again, end).problem, /several places/);
    assert.match(ordered(end, again).problem, /several places/);
    assert.match(ordered(again, again, again).problem, /several places/);
  });

  it('may change nothing, anywhere', () => {
    const same = { search: ['    const a = 1;'], replacement: ['    const a = 1;'] };
    assert.deepEqual(blockChanges(file, all, [same]).edits, []);
    assert.equal(blockChanges(file, all, [same]).problem, '');
  });

  it('makes of real lines what replacing them by hand makes, at random', () => {
    const random = new Random(11);
    const ends = ['\n', '\r\n'];
    for (let i = 0; i < 1500; i += 1) {
      const end = pick(random, ends);
      const lines = Array.from(
        { length: 4 + random.below(12) },
        (_, n) => `${'  '.repeat(random.below(3))}l${String(n)}`,
      );
      const final = random.below(2) === 0 ? end : '';
      const blocks: Block[] = [];
      const wanted: string[] = [];
      for (let at = 0; at < lines.length;) {
        const length = 1 + random.below(3);
        const search = lines.slice(at, at + length);
        const replacement =
          random.below(3) === 0
            ? []
            : [...search.slice(0, random.below(3)), '  new', `x${String(at)}`, ''].slice(
                0,
                1 + random.below(4),
              );
        const isBlock = random.below(2) === 0;
        if (isBlock) {
          blocks.push({ search, replacement });
        }
        wanted.push(...(isBlock ? replacement : search));
        at += length;
      }
      const text = lines.join(end) + final;
      const after = changed(text, ...[...blocks].reverse());
      assert.deepEqual(
        linesOf(after).map((line) => withoutEnd(line)),
        wanted.length === 0 ? [''] : [...wanted, ...(final === '' ? [] : [''])],
      );
      assert.ok(!after.replaceAll(end, '').includes('\n'));
    }
  });
});
