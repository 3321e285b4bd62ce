/**
 * What the user does to a file while a model's edits of it are pending. Each trial takes a file of this project, edits as the product makes them, and
 * changes as an editor tells them: one after another, some of them several at once. Which edits are still good, and what the text becomes with
 * them, is judged by a merge of tagged units, and by git's where that is clean.
 *
 * Wrong is: a text that is another; an edit that was carried over a change that touches it; and one that was refused although a whole line lies between
 * it and every change. So nothing is won by refusing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editCore, pick, projectTexts, Random, taggedMerge } from '../sources.mjs';

const trials = 500;
/** Files that are changed by one action, for undoing. */
const together = 4;

/** Edits as a model's answer leads to them: lines of a few ranges, written anew. */
function pendingEdits(random, text, { FileLines, words }) {
  const lines = new FileLines(text).lines;
  const count = 1 + random.below(5);
  const starts = Array.from({ length: count }, () => random.below(lines.length)).sort((a, b) => a - b);
  const changes = [];
  let last = 0;
  for (const start of starts.filter((one, i) => one !== starts[i - 1])) {
    const end = Math.min(lines.length, start + random.below(4));
    if (start < last || (start === last && changes.length > 0)) {
      continue;
    }
    const old = lines.slice(start, end);
    const becomes = {
      0: () => old.map((line) => line.replace(/\w+/, words.next())),
      1: () => [...old, `  ${words.next()}();`],
      2: () => [`// ${words.next()}`, ...old],
      3: () => [],
      4: () => [`const ${words.next()} = 1;`, `const ${words.next()} = 2;`],
    }[random.below(5)]();
    changes.push({ lines: { start, end }, becomes });
    last = end;
  }
  return new FileLines(text).edits(changes);
}

/** One event of an editor: changes against the text as it is, that do not overlap. */
function userEvent(random, text, near, { lineStarts, isAmid, words }) {
  const whole = (offset) => (isAmid(text, offset) ? offset - 1 : offset);
  const anywhere = () =>
    Math.min(
      text.length,
      random.below(3) > 0 && near.length > 0 ? pick(random, near) : random.below(text.length + 1),
    );
  const starts = lineStarts(text);
  const lineFrom = (offset) => starts.findLastIndex((start) => start <= offset);
  const at = whole(Math.max(0, Math.min(text.length, anywhere() + random.below(13) - 6)));
  const line = lineFrom(at);
  const lineStart = (index) => starts[Math.min(index, starts.length - 1)];
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const kinds = [
    () => [{ start: at, end: at, text: words.next() }], // typed or pasted
    () => [{ start: at, end: whole(Math.min(text.length, at + 1 + random.below(12))), text: '' }],
    () => [{ start: at, end: whole(Math.min(text.length, at + random.below(12))), text: words.next() }],
    () => [{ start: lineStart(line), end: lineStart(line + 1 + random.below(3)), text: '' }], // lines deleted
    () => [
      { start: lineStart(line), end: lineStart(line), text: `${words.next()}${eol}${words.next()}${eol}` },
    ],
    // Several cursors: lines commented, from the last to the first.
    () =>
      [line, line + 2, line + 3]
        .filter((index) => index < starts.length)
        .reverse()
        .map((index) => ({ start: starts[index], end: starts[index], text: `// ${words.next()} ` })),
    // A word, everywhere.
    () => {
      const word = pick(random, ['const', 'the', 'return', 'a', 'text', '0']);
      return [...text.matchAll(new RegExp(`\\b${word}\\b`, 'g'))]
        .slice(0, 6)
        .map(({ index }) => ({ start: index, end: index + word.length, text: words.next() }))
        .reverse();
    },
  ];
  return pick(random, kinds)();
}

/** Words that are nowhere else, so that no merge can take one for another. */
function freshWords() {
  let count = 0;
  return { next: () => `zq${(count += 1)}` };
}

/** @returns the merged text; undefined where git says that there are conflicts */
function mergedByGit(folder, base, ours, theirs) {
  const paths = { base, ours, theirs };
  for (const [name, text] of Object.entries(paths)) {
    writeFileSync(join(folder, name), text);
  }
  const { status, stdout, error } = spawnSync('git', ['merge-file', '-p', 'ours', 'base', 'theirs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (error !== undefined || status === null || status > 127) {
    throw new Error(`git merge-file: ${error?.message ?? status}`);
  }
  return status === 0 ? stdout : undefined;
}

/** The places of a line more on either side. */
function withLines(text, starts, { start, end }) {
  const first = starts.findLastIndex((one) => one <= start);
  const last = starts.findLastIndex((one) => one <= end);
  return { start: starts[Math.max(0, first - 1)], end: starts[last + 2] ?? text.length };
}

export async function run(context, report) {
  const core = editCore();
  const { applyEdits, hunksOf, inverseEdits, lineStarts, rebaseEdits, rebaseHunks } = core;
  const { TaggedText } = taggedMerge();
  const texts = projectTexts(context.root);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-merge-'));
  const classes = Object.fromEntries(
    ['a line or more between', 'less between', 'touching or overlapping'].map((name) => [
      name,
      { edits: 0, rebased: 0, refused: 0, wrong: 0 },
    ]),
  );
  const wrong = [];
  const wrongTrials = new Set();
  const git = { clean: 0, conflicts: 0 };
  const undo = { single: 0, several: 0, hunks: 0 };
  let batch = [];
  const count = context.quick ? 100 : trials;
  try {
    for (let trial = 0; trial < count; trial += 1) {
      const random = new Random(1000 + trial);
      const tools = { ...core, words: freshWords() };
      const file = pick(random, texts);
      const fail = (what) => {
        wrong.push(`trial ${trial}, ${file.path}: ${what}`);
        wrongTrials.add(trial);
      };
      let base = random.below(4) === 0 ? file.text.replaceAll('\n', '\r\n') : file.text;
      base = random.below(5) === 0 ? base.trimEnd() : base;
      const pending = pendingEdits(random, base, tools);
      // What the user does, and what the product makes of it event by event.
      const tagged = new TaggedText(base);
      let text = base;
      let left = pending.map((edit, index) => ({ edit, index }));
      let hunks = hunksOf(base, pending);
      for (let event = 1 + random.below(4); event > 0; event -= 1) {
        const near = left.flatMap(({ edit }) => [edit.start, edit.end]);
        const changes = userEvent(random, text, near, tools);
        const { good } = rebaseEdits(
          left.map(({ edit }) => edit),
          changes,
        );
        left = good.map(({ edit, index }) => ({ edit, index: left[index].index }));
        // From the last to the first, as the editor tells them: offsets stay right.
        changes.forEach((change) => tagged.change(change));
        text = applyEdits(text, [...changes].reverse());
        hunks = rebaseHunks(text, hunks, changes);
      }
      if (tagged.now() !== text) {
        throw new Error('The references disagree about what the user did.');
      }
      const starts = lineStarts(base);
      for (const [index, edit] of pending.entries()) {
        const around = withLines(base, starts, edit);
        const isFar = tagged.isUntouched(around.start, around.end) && tagged.isApart(edit);
        const isApart = tagged.isApart(edit);
        const isGood = left.some((one) => one.index === index);
        const row =
          classes[isFar ? 'a line or more between' : isApart ? 'less between' : 'touching or overlapping'];
        row.edits += 1;
        row[isGood ? 'rebased' : 'refused'] += 1;
        if (isGood !== isApart) {
          row.wrong += 1;
          fail(`edit ${index} was ${isGood ? 'carried over a change that touches it' : 'refused'}`);
        }
      }
      const edits = left.map(({ edit }) => edit);
      const result = applyEdits(text, edits);
      if (result !== tagged.with(left.map(({ index }) => pending[index]))) {
        fail('the text is another than by tagged units');
      }
      // Git gets the edits that are good: what is in conflict is nobody's to merge.
      const theirs = applyEdits(
        base,
        left.map(({ index }) => pending[index]),
      );
      const merged = theirs === base ? undefined : mergedByGit(folder, base, text, theirs);
      git[merged === undefined ? 'conflicts' : 'clean'] += 1;
      if (merged !== undefined && merged !== result) {
        fail('the text is another than by git');
      }
      // Undone in one step; and, in an order of their own, the hunks that are left.
      undo.single += 1;
      if (applyEdits(result, inverseEdits(text, edits)) !== text) {
        fail('one undo does not restore the text');
      }
      let now = text;
      const undos = [];
      let open = hunks;
      while (open.some((hunk) => hunk !== undefined) && random.below(6) > 0) {
        const index = pick(
          random,
          [...open.keys()].filter((i) => open[i] !== undefined),
        );
        const accepted = open[index].edits;
        undos.push(inverseEdits(now, accepted));
        now = applyEdits(now, accepted);
        const before = open.filter((hunk) => hunk !== undefined).length;
        open = rebaseHunks(now, open.with(index, undefined), accepted);
        undo.hunks += 1;
        if (open.filter((hunk) => hunk !== undefined).length !== before - 1) {
          fail('a hunk that was accepted put another in conflict');
        }
      }
      for (const edit of undos.reverse()) {
        now = applyEdits(now, edit);
      }
      if (now !== text) {
        fail('undoing the accepted hunks does not restore the text');
      }
      batch.push({ text, result, inverse: inverseEdits(text, edits) });
      if (batch.length === together) {
        undo.several += 1;
        if (batch.some((one) => applyEdits(one.result, one.inverse) !== one.text)) {
          fail('one undo does not restore several files');
        }
        batch = [];
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  report.tables.rebase = {
    title: `${count} files changed while edits of them were pending`,
    rows: [
      ['between edit and change', 'edits', 'rebased', 'refused', 'wrong'],
      ...Object.entries(classes).map(([name, row]) => [
        name,
        ...[row.edits, row.rebased, row.refused, row.wrong].map(String),
      ]),
    ],
    list: wrong,
  };
  report.note(
    `rebase: git merged ${git.clean} of ${count} without a conflict, and is compared; ${undo.single} files and ${undo.several} groups of ${together} undone in one step, ${undo.hunks} hunks one by one.`,
  );
  const enough = Object.values(classes).every(({ edits }) => edits >= count / 5);
  report.bar(
    'rebase',
    enough ? wrongTrials.size : null,
    enough ? `of ${count}` : 'not enough edits in every class to say anything',
  );
}
