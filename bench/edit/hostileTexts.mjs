/**
 * Documents, answers and changes that edits could do harm with, each tried with a reference beside it that knows what may come of it: the right text,
 * or a refusal that says why. Harm is any other text, an error that nobody expects, and to be kept waiting.
 */
import { Random, pick } from './sources.mjs';

/** Milliseconds of this process for one try, whatever is in it. */
const patience = 2000;
const all = { start: 0, end: Number.POSITIVE_INFINITY };
const [searchMark, divider, replaceMark] = ['<<<<<<< SEARCH', '=======', '>>>>>>> REPLACE'];

export const answerOf = (blocks) =>
  blocks
    .map(({ search, replacement }) =>
      [searchMark, ...search, divider, ...replacement, replaceMark, ''].join('\n'),
    )
    .join('');

/** @returns what `act` says is harm, or why it failed */
function tried(act) {
  const start = process.cpuUsage();
  let harm;
  try {
    harm = act() ?? '';
  } catch (error) {
    harm = `failed: ${error.message}`;
  }
  const { user, system } = process.cpuUsage(start); // not by the clock: other programs take their time, too
  const took = (user + system) / 1000;
  return harm === '' && took > patience ? `took ${Math.round(took)} ms` : harm;
}

/** Lines as VS Code counts them, by an expression of its own; with their ends. */
const linesWithEnds = (text) => text.match(/[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$/g) ?? [];
const bare = (line) => line.replace(/(?:\r\n|\n|\r)$/, '');

const mark = '\ufeff';

export function hostileDocuments() {
  const numbered = (count, end) => Array.from({ length: count }, (_, i) => `line ${i};${end}`).join('');
  return {
    empty: '',
    'one line end': '\n',
    'line ends alone': '\n\n\n\n',
    'no final line end': numbered(20, '\n').slice(0, -1),
    'CR LF': numbered(20, '\r\n'),
    'CR alone': numbered(20, '\r'),
    'mixed line ends': 'a\r\nb\nc\rd\r\n\ne\r\rf\n',
    'other separators': 'a\u2028b\nc\u2029d\ne\ff\ng\vh\ni\u0085j\n',
    'byte order mark': `${mark}${numbered(5, '\n')}`,
    'a mark alone': mark,
    'lone surrogates': 'a\ud83d\nb\ude00\n\ud83d\ude00\ude00\n\ude00\ud83d\n',
    'NUL and controls': 'a\0b\n\0\n\u0001\u001b[31m\n\u007f\n',
    'not seen': 'a\u200bb\n\u202eabc\n\u2066x\u2069\ncafe\u0301\n',
    'tabs and spaces mixed': '\ta {\n  \tb\n\t  c\n    d\n}\n',
    'white space lines': ' \n\t\n  \t \n\n \n',
    markers: ['a', searchMark, 'b', divider, 'c', replaceMark, 'd', ''].join('\n'),
    headings: 'Title\n=======\n\nText\n\nOther\n======\n\nMore\n',
    'conflicts of git': '<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n',
    'a fence': '```ts\ncode\n```\n',
    'the same line': 'same\n'.repeat(3000),
    'the same block': '{\n  a;\n}\n'.repeat(500),
    'nothing but braces': '}\n'.repeat(200),
    'one long line': `${'x'.repeat(3_000_000)}\nshort\n`,
    'long white space': `a${' '.repeat(500_000)}b\n${'\t'.repeat(500_000)}c\nd\n`,
    'many lines': numbered(60_000, '\n'),
    'words of the language': '__proto__\nconstructor\ntoString\nhasOwnProperty\n',
  };
}

/** Lines of each document, replaced through an answer as a model would say it, and by hand. */
export function* tryDocuments({ applyEdits, blockChanges, checkEdits, isAmid, lineChanges, parseBlocks }) {
  for (const [name, text] of Object.entries(hostileDocuments())) {
    const random = new Random(name.length * 31 + text.length);
    const whole = linesWithEnds(text.startsWith(mark) ? text.slice(1) : text);
    const tries = whole.length > 5000 ? 3 : 30;
    for (let i = 0; i < tries; i += 1) {
      const start = random.below(whole.length + 1);
      const end = Math.min(whole.length, start + random.below(4));
      const added = Array.from({ length: random.below(3) }, () =>
        pick(random, ['new', '', '\tx', 'a\u2028b', '\ud83d', '  y  ']),
      );
      /** The lines around are the same units; what is between has the new lines. */
      const isRight = (result, mayMoveTabs = false) => {
        const lines = linesWithEnds(
          result.startsWith(mark) && text.startsWith(mark) ? result.slice(1) : result,
        );
        const wanted = [...whole.slice(0, start).map(bare), ...added, ...whole.slice(end).map(bare)];
        const isOpen = whole.length > 0 && bare(whole.at(-1)) === whole.at(-1);
        const shown = isOpen && wanted.at(-1) === '' ? wanted.slice(0, -1) : wanted; // a line that is empty and last
        return (
          lines.length === shown.length &&
          lines.every(
            (line, n) =>
              bare(line) === shown[n] ||
              (mayMoveTabs &&
                n >= start &&
                n < start + added.length &&
                bare(line).trim() === shown[n].trim()),
          ) &&
          result.startsWith(mark) === text.startsWith(mark)
        );
      };
      const apply = (edits) =>
        edits.some((edit) => isAmid(text, edit.start) || isAmid(text, edit.end))
          ? undefined
          : applyEdits(text, edits);
      yield {
        kind: 'documents',
        label: `${name}, lines ${start} to ${end} anew`,
        harm: tried(() => {
          const { edits, problem } = lineChanges(text, { start, end }, added);
          const result = problem === '' && checkEdits(text.length, edits) === '' ? apply(edits) : undefined;
          const mayMoveTabs = added.some((line) => line.startsWith('\t') || line.startsWith('  '));
          return result !== undefined && isRight(result, mayMoveTabs) ? '' : 'another text';
        }),
      };
      if (end === start) {
        continue;
      }
      const block = { search: whole.slice(start, end).map(bare), replacement: added };
      const answer = answerOf([block]);
      yield {
        kind: 'documents',
        label: `${name}, lines ${start} to ${end} by a block`,
        harm: tried(() => {
          const parsed = parseBlocks(answer, true);
          if (parsed.problem !== '') {
            // Only where the document's own lines look like markers.
            const own = block.search.some((line) => /^[<=>]{5,}/.test(line));
            return own ? '' : `refused: ${parsed.problem}`;
          }
          const { edits, problem } = blockChanges(text, all, parsed.blocks);
          const first = whole.findIndex((_, n) =>
            block.search.every((line, k) => n + k < whole.length && bare(whole[n + k]) === line),
          );
          const isOnly = !whole.some(
            (_, n) =>
              n > first &&
              n + block.search.length <= whole.length &&
              block.search.every((line, k) => bare(whole[n + k]) === line),
          );
          const nothing =
            block.search.length === added.length && block.search.every((line, n) => line === added[n]);
          if (problem !== '') {
            return isOnly ? `refused: ${problem}` : '';
          }
          const result = apply(edits);
          if (nothing) {
            return result === text ? '' : 'another text';
          }
          return isOnly && result !== undefined && isRight(result) ? '' : 'another text';
        }),
      };
    }
  }
}

const file = [
  ...[
    'import { a } from "a";',
    '',
    'export function one(x) {',
    '  if (x) {',
    '    return a(x);',
    '  }',
    '  return 1;',
    '}',
    '',
  ],
  ...[
    'export function two(x) {',
    '  if (x) {',
    '    return a(x + 1);',
    '  }',
    '  return 2;',
    '}',
    '// ä \u{1F600} end',
    '',
  ],
].join('\n');

const good = [
  [{ search: ['  return 1;'], replacement: ['  return 10;', '  // done'] }],
  [
    { search: ['import { a } from "a";'], replacement: ['import { a, b } from "a";'] },
    { search: ['    return a(x + 1);', '  }'], replacement: ['    return b(x);', '  }'] },
    { search: ['// ä \u{1F600} end'], replacement: [] },
  ],
  [
    { search: ['return 1;'], replacement: ['if (!x) {', '  throw x;', '}', 'return 1;'] },
    { search: ['// ä \u{1F600} end'], replacement: ['// \u{1F601}', '// \u{1F602}'] },
  ],
];

/** Every answer, cut at every byte; every marker of it left out, doubled, and moved into the block before. */
export function* tryCuts({ applyEdits, blockChanges, parseBlocks }) {
  const textOf = (blocks) => {
    const { edits, problem } = blockChanges(file, all, blocks);
    if (problem !== '') {
      throw new Error(problem);
    }
    return applyEdits(file, edits);
  };
  const outcome = (answer, ended, allowed) => {
    const { blocks, problem } = parseBlocks(answer, ended);
    if (problem !== '' && ended) {
      return '';
    }
    const changes = blockChanges(file, all, blocks);
    if (changes.problem !== '') {
      return '';
    }
    return allowed.has(applyEdits(file, changes.edits)) ? '' : 'another text';
  };
  for (const [number, blocks] of good.entries()) {
    // What is finished may be applied, and nothing else: the first blocks, none of them in part.
    const allowed = new Set(blocks.map((_, n) => textOf(blocks.slice(0, n + 1))));
    const started = new Set([file, ...allowed]);
    for (const wrap of ['', 'Here:\n```js\n']) {
      const answer = `${wrap}${answerOf(blocks)}${wrap === '' ? '' : '```\n'}`;
      const bytes = Buffer.from(answer);
      for (let length = 0; length <= bytes.length; length += 1) {
        const cut = bytes.subarray(0, length).toString();
        yield {
          kind: 'cuts',
          label: `answer ${number}, ${length} bytes`,
          harm: tried(() => outcome(cut, true, allowed)),
        };
        yield {
          kind: 'cuts',
          label: `answer ${number}, ${length} bytes so far`,
          harm: tried(() => outcome(cut, false, started)),
        };
      }
    }
    const lines = answerOf(blocks).split('\n');
    for (const [at, line] of lines.entries()) {
      if ([searchMark, divider, replaceMark].includes(line)) {
        const without = lines.toSpliced(at, 1);
        const twice = lines.toSpliced(at, 0, line);
        const earlier = lines.toSpliced(at, 1).toSpliced(Math.max(0, at - 2), 0, line);
        for (const [how, changed] of Object.entries({ without, twice, earlier })) {
          // Moved, it may be another answer that is whole; then it changes whole lines, and says which.
          const may = how === 'earlier' ? undefined : started;
          yield {
            kind: 'nested',
            label: `answer ${number}, marker ${at} ${how}`,
            harm: tried(() => {
              const parsed = parseBlocks(changed.join('\n'), true);
              if (may !== undefined) {
                return parsed.problem === '' ? 'accepted' : '';
              }
              return outcome(changed.join('\n'), true, { has: (text) => text.length > 0 });
            }),
          };
        }
      }
    }
    const [first] = blocks;
    const inner = answerOf([first]).trimEnd().split('\n');
    for (const nested of [
      [{ search: inner, replacement: ['x'] }],
      [{ search: first.search, replacement: inner }],
      [{ search: [...first.search, divider], replacement: ['x'] }],
      [{ search: first.search, replacement: ['x', divider, 'y'] }],
      [{ search: first.search, replacement: ['x', replaceMark, 'y'] }],
    ]) {
      yield {
        kind: 'nested',
        label: `answer ${number}: ${JSON.stringify(nested).slice(0, 60)}`,
        harm: tried(() => (parseBlocks(answerOf(nested), true).problem === '' ? 'accepted' : '')),
      };
    }
  }
}

/** Answers that are long and say nothing. */
export function* tryFloods({ blockChanges, parseBlocks, minimalEdits, hunksOf, applyEdits }) {
  const floods = {
    'markers alone': `${searchMark}\n`.repeat(100_000),
    'dividers alone': `${divider}\n`.repeat(100_000),
    'many blocks': answerOf(
      Array.from({ length: 20_000 }, (_, i) => ({ search: [`a${i}`], replacement: ['b'] })),
    ),
    'one line of signs': '<'.repeat(2_000_000),
    'white space behind a marker': `${searchMark}${' '.repeat(1_000_000)}x\n`,
    'a long search': answerOf([{ search: Array(50_000).fill('same'), replacement: ['x'] }]),
    'a long search but for white space': answerOf([
      { search: Array(15_000).fill('same'), replacement: ['x'] },
    ]),
    'many blocks that are there': answerOf(Array(999).fill({ search: ['same', 'same'], replacement: ['x'] })),
    'blank lines': answerOf([{ search: Array(20_000).fill(''), replacement: ['x'] }]),
  };
  const texts = {
    same: 'same\n'.repeat(60_000),
    blank: '\n'.repeat(40_000),
    indented: '  same \n'.repeat(30_000),
  };
  for (const [name, answer] of Object.entries(floods)) {
    for (const [label, text] of Object.entries(texts)) {
      yield {
        kind: 'floods',
        label: `${name}, in ${label}`,
        harm: tried(() => {
          const { blocks, problem } = parseBlocks(answer, true);
          return problem === '' && blockChanges(text, all, blocks, { inOrder: true }).problem === ''
            ? 'accepted'
            : '';
        }),
      };
    }
  }
  const one = Array.from({ length: 60_000 }, (_, i) => `a ${i * 7919}\n`).join('');
  const other = Array.from({ length: 60_000 }, (_, i) => `a ${i * 104729}\n`).join('');
  yield {
    kind: 'floods',
    label: 'texts that have nothing in common',
    harm: tried(() => {
      const edits = minimalEdits(one, other);
      hunksOf(one, edits);
      return applyEdits(one, edits) === other ? '' : 'another text';
    }),
  };
}

/** Texts that stand in many places: one of them is never chosen by chance. */
export function* tryRepeated({ applyEdits, blockChanges }) {
  const text = Array.from({ length: 12 }, (_, i) => `case ${i}:\n  run();\n  break;\n`).join('');
  const places = [...text.matchAll(/ {2}run\(\);\n/g)].map(({ index }) => index);
  const block = { search: ['  run();'], replacement: ['  stop();'] };
  for (const [search, label] of [
    [['  run();'], 'exactly'],
    [['run();'], 'but for white space'],
    [['  run();', '  break;'], 'two lines'],
  ]) {
    yield {
      kind: 'repeated',
      label,
      harm: tried(() =>
        blockChanges(text, all, [{ search, replacement: ['x'] }]).problem === '' ? 'accepted' : '',
      ),
    };
  }
  for (let n = 0; n < 12; n += 1) {
    const anchor = { search: [`case ${n}:`], replacement: [`case ${n + 100}:`] };
    for (const [blocks, allowed] of [
      [[anchor, block], n === 11 ? 11 : -1],
      [[block, anchor], n === 1 ? 0 : -1],
    ]) {
      yield {
        kind: 'repeated',
        label: `${n}, ${allowed}`,
        harm: tried(() => {
          const { edits, problem } = blockChanges(text, all, blocks, { inOrder: true });
          const at = places[allowed];
          const wanted =
            at === undefined
              ? undefined
              : `${text.slice(0, at)}  stop();\n${text.slice(at + '  run();\n'.length)}`.replace(
                  `case ${n}:`,
                  `case ${n + 100}:`,
                );
          if (problem !== '') {
            return wanted === undefined ? '' : `refused: ${problem}`;
          }
          return applyEdits(text, edits) === wanted ? '' : 'another text';
        }),
      };
    }
  }
}

/** Files that are no text, or another encoding's: refused, or read as what they are, so that writing them back loses nothing. */
export function* tryBytes({ editorText }) {
  const utf16 = Buffer.from(`${mark}a\r\nä\u{1F600}\n`, 'utf16le');
  const named = {
    'Latin-1': Buffer.from('gr\u00fc\u00dfe\n', 'latin1'),
    'Windows-1252': Buffer.from([0x93, 0x61, 0x94, 0x0a]),
    'Shift JIS': Buffer.from([0x83, 0x65, 0x83, 0x58, 0x83, 0x67, 0x0a]),
    'GB 18030': Buffer.from([0xb2, 0xe2, 0xca, 0xd4, 0x0a]),
    'UTF-16 without a mark': utf16.subarray(2),
    'a program': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0]),
    'a picture': Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]),
    'UTF-8, too long': Buffer.from([0x61, 0xc0, 0xaf, 0x0a]),
    'UTF-8, a surrogate': Buffer.from([0xed, 0xa0, 0x80, 0x0a]),
    'UTF-8, cut': Buffer.from('aä').subarray(0, 2),
    'UTF-16, odd': utf16.subarray(0, utf16.length - 1),
    'NUL amid a text': Buffer.from('a\0b\n'),
  };
  for (const [label, bytes] of Object.entries(named)) {
    yield { kind: 'bytes', label, harm: tried(() => (editorText(bytes).problem === '' ? 'accepted' : '')) };
  }
  for (let i = 0; i < 300; i += 1) {
    const random = new Random(i);
    const clean = Buffer.from(
      Array.from({ length: 40 }, () => pick(random, ['a', 'ä', '\u{1F600}', '\n', ' '])).join(''),
    );
    const bytes = Buffer.from(clean);
    for (let n = random.below(3); n > 0; n -= 1) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    const marked = random.below(2) === 0 ? Buffer.concat([Buffer.from(mark), bytes]) : bytes;
    yield {
      kind: 'bytes',
      label: `at random, ${i}`,
      harm: tried(() => {
        const { text, problem } = editorText(marked);
        const isIntact = bytes.equals(clean);
        if (problem !== '') {
          return isIntact ? `refused: ${problem}` : '';
        }
        // VS Code makes line ends alike by itself; nothing else may differ.
        const same = (one) => one.replace(/\r\n|\r/g, '\n');
        return same(text) === same(bytes.toString()) && !bytes.toString().includes('\ufffd')
          ? ''
          : 'another text';
      }),
    };
  }
}

/** An answer that is being written while the user types: what is certain so far is shown, carried over all that happened since. */
export function* tryMidStream(
  { applyEdits, blockChanges, goodEdits, parseBlocks, rebaseEdits },
  { TaggedText },
) {
  for (let i = 0; i < 300; i += 1) {
    const random = new Random(9000 + i);
    const blocks = pick(random, good);
    const answer = answerOf(blocks);
    const tagged = new TaggedText(file);
    const events = [];
    let text = file;
    yield {
      kind: 'mid-stream',
      label: `answer ${good.indexOf(blocks)}, ${i}`,
      harm: tried(() => {
        for (let length = 0; length <= answer.length; length += 1 + random.below(40)) {
          if (random.below(3) === 0) {
            const start = random.below(text.length + 1);
            const end = Math.min(text.length, start + (random.below(2) === 0 ? 0 : random.below(8)));
            const change = { start, end, text: pick(random, ['', 'typed', '\n', '  ', '\u{1F600}', '}']) };
            events.push(change);
            tagged.change(change);
            text = applyEdits(text, [change]);
          }
          const { blocks: soFar, problem } = parseBlocks(answer.slice(0, length), false);
          if (problem !== '') {
            return `refused: ${problem}`;
          }
          const { edits } = blockChanges(file, all, soFar);
          let left = edits.map((edit, index) => ({ edit, index }));
          for (const event of events) {
            const rebased = rebaseEdits(
              left.map(({ edit }) => edit),
              event,
            );
            left = rebased.good.map(({ edit, index }) => ({ edit, index: left[index].index }));
          }
          const wanted = edits.filter((edit) => tagged.isApart(edit));
          if (left.length !== wanted.length) {
            return 'carried over what touches it, or refused what does not';
          }
          if (applyEdits(text, goodEdits({ good: left })) !== tagged.with(wanted)) {
            return 'another text';
          }
        }
        return '';
      }),
    };
  }
}

/** Edits that are none of the text: an error, before anything is made of it. */
export function* tryEdits({ applyEdits, inverseEdits }) {
  const text = 'one two three';
  const bad = [
    ...[-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, 14].map((at) => [
      { start: at, end: at, text: 'x' },
    ]),
    [{ start: 3, end: 2, text: '' }],
    [
      { start: 0, end: 5, text: '' },
      { start: 4, end: 6, text: '' },
    ],
    [
      { start: 5, end: 6, text: '' },
      { start: 0, end: 1, text: '' },
    ],
  ];
  for (const edits of bad) {
    for (const act of [applyEdits, inverseEdits]) {
      yield {
        kind: 'edits',
        label: JSON.stringify(edits),
        harm: tried(() => {
          try {
            act(text, edits);
            return 'applied';
          } catch (error) {
            return error instanceof RangeError ? '' : `failed: ${error.message}`;
          }
        }),
      };
    }
  }
}
