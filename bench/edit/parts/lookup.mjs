/**
 * What prompt lookup is worth for edits: changes that were really made to this project (its git history), said as the product has them said,
 * a range written anew behind the product's own prompt, with drafts from the old text and without, in turns, the same tokens.
 *
 * Neither model would say these edits by itself: one has weights at random, the other was not made to talk. So the mask leaves one text, the
 * new one; among the tokens that it may be cut into, a bias takes those that the tokenizer would. With lookup each draft is verified by the model in one
 * pass and taken as far as the new text goes, as it would be for a model that writes this edit; nothing is said ahead (`jump` is off in both). All logits are
 * computed in both (`logprobs`), as under the product's masks, which leave nearly all tokens; where one text is left, an engine computes a few. What this leaves out: a
 * model that is not sure of a token still says one token at a time there, as here; but one that changes what need not change copies less.
 */
import { execFileSync } from 'node:child_process';
import { editRoom, engineRoom, protocol, withEditor } from '../editor.mjs';

/** Tokens of the output that stand in the prompt, at least. */
const leastCopied = 0.7;
/** Lines around what changed that are written anew with it: a function, and not a line, is what somebody asks to have changed. */
const around = 12;
const longestFile = 9_000;
const lines = { least: 20, most: 60 };
/** Logits, for a byte of a token: enough to outweigh what weights at random say. */
const biasPerByte = 40;

const git = (root, ...args) =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });

/** Changes of the history, the oldest first: { path, languageId, before, range, after, instruction }. */
function* changes(root) {
  const { hunksOf, minimalEdits } = protocol();
  const { DocumentLines } = editRoom();
  const commits = git(
    root,
    'log',
    '--reverse',
    '--no-merges',
    '--format=%H %s',
    '--',
    'server/src',
    'client/src',
    'protocol/src',
  );
  for (const line of commits.trim().split('\n')) {
    const [hash, ...subject] = line.split(' ');
    const paths = git(root, 'show', '--format=', '--name-only', '--diff-filter=M', hash, '--', '*.ts')
      .trim()
      .split('\n');
    for (const path of paths.filter((each) => each !== '').sort()) {
      const before = git(root, 'show', `${hash}~:${path}`);
      const after = git(root, 'show', `${hash}:${path}`);
      if (before.length > longestFile || before.includes('\r')) {
        continue;
      }
      const hunks = hunksOf(before, minimalEdits(before, after));
      const all = new DocumentLines(before);
      // One hunk, or neighbours: what one request may ask for.
      for (let first = 0; first < hunks.length; first += 1) {
        const start = Math.max(0, hunks[first].lines.start - around);
        let last = first;
        while (last + 1 < hunks.length && hunks[last + 1].lines.end + around - start <= lines.most) {
          last += 1;
        }
        const end = Math.min(all.count, hunks[last].lines.end + around);
        const grown = new DocumentLines(after).count - all.count;
        const isAll = first === 0 && last === hunks.length - 1;
        if (isAll && end - start >= lines.least && end - start <= lines.most) {
          const made = new DocumentLines(after).lines({ start, end: end + grown });
          const kept = hunks.reduce((sum, { lines: { start: a, end: b } }) => sum - (b - a), end - start);
          yield {
            ...{
              path,
              languageId: 'typescript',
              before,
              range: { start, end },
              after: `${made.join('\n')}\n`,
              kept,
            },
            instruction: subject.join(' '),
          };
        }
        first = last;
      }
    }
  }
}

/** The pairs that copy enough, counted in tokens: of lines that no hunk names. */
async function pairsFor({ engine, model }, root, count) {
  const { DocumentLines } = editRoom();
  const pairs = [];
  const seen = new Set();
  for (const change of changes(root)) {
    const old = new Map();
    for (const line of new DocumentLines(change.before).lines(change.range)) {
      old.set(line, (old.get(line) ?? 0) + 1);
    }
    let copied = '';
    for (const line of change.after.split('\n')) {
      if ((old.get(line) ?? 0) > 0) {
        old.set(line, old.get(line) - 1);
        copied += `${line}\n`;
      }
    }
    const tokens = await engine.tokenize(model.handle, change.after, false);
    const share = (await engine.tokenize(model.handle, copied, false)).length / tokens.length;
    if (share >= leastCopied && share < 0.98 && tokens.length <= 520 && !seen.has(change.path)) {
      seen.add(change.path);
      pairs.push({ ...change, share, tokens });
    }
    if (pairs.length >= count) {
      break;
    }
  }
  return pairs;
}

async function measure(machine, path, context, count) {
  const { planEdit, DocumentLines } = editRoom();
  const { Priority } = engineRoom();
  return withEditor(machine, path, context, async (editor) => {
    const { engine, model, format, session } = editor;
    const rows = [];
    for (const pair of await pairsFor(editor, machine.root, count * 3)) {
      const { range, instruction, languageId } = pair;
      const lines = new DocumentLines(pair.before);
      const asked = { task: 'instruct', instruction, problems: [], tried: '' };
      const plan = await planEdit({
        engine,
        model,
        format,
        path: pair.path,
        languageId,
        lines,
        range,
        asked,
        form: 'rewrite',
      }).catch(() => undefined);
      if (plan === undefined || rows.length >= count) {
        continue; // it does not fit into the smaller model's context
      }
      const said = pair.after + plan.fence;
      const wanted = await engine.tokenize(model.handle, said, false);
      const biases = await Promise.all(
        [...new Set(wanted)].map(async (id) => ({
          id,
          bias: biasPerByte * Buffer.byteLength(await engine.detokenize(model.handle, [id])),
        })),
      );
      const ask = async (lookup) => {
        const result = await session.generate({
          ...{ tokens: plan.tokens, maxTokens: 2 * wanted.length + 16, priority: Priority.chat },
          sampling: { temperature: 0, logitBias: biases, logprobs: true },
          stopTokens: format.stopTokens,
          constraint: {
            grammar: { root: 'said', rules: { said: { kind: 'text', text: said } } },
            jump: false,
          },
          ...(lookup && { lookup: { expected: plan.expected } }),
        });
        if (result.text !== said) {
          throw new Error(
            `${pair.path}: the mask left another text: ${JSON.stringify(result.text.slice(0, 200))}`,
          );
        }
        return result;
      };
      await session.generate({ tokens: plan.tokens, maxTokens: 0, priority: Priority.chat });
      await ask(false); // whoever comes first would pay for preparing the grammar
      const order = rows.length % 2 === 0 ? [false, true] : [true, false];
      const results = new Map();
      for (const lookup of order) {
        results.set(lookup, await ask(lookup));
      }
      const [plain, drafted] = [results.get(false), results.get(true)];
      if (plain.tokens.join() !== drafted.tokens.join()) {
        throw new Error(`${pair.path}: with lookup other tokens were said than without`);
      }
      rows.push({ pair, plain, drafted, cutAlike: plain.tokens.join() === wanted.join() });
      machine.log(
        `  ${pair.path}: ${plain.tokens.length} tokens, ${(100 * pair.share).toFixed(0)} % copied, ` +
          `${(plain.decodeMs / drafted.decodeMs).toFixed(2)} x, ${drafted.accepted} of ${drafted.drafted} drafted`,
      );
    }
    return rows;
  });
}

const sum = (rows, of) => rows.reduce((total, row) => total + of(row), 0);
const speedup = (rows) =>
  sum(rows, ({ plain }) => plain.decodeMs) / sum(rows, ({ drafted }) => drafted.decodeMs);

export async function run(machine, report) {
  const measured = [
    [
      'embedded (the product uses none)',
      await measure(machine, machine.models.embedded, 2048, machine.quick ? 3 : 10),
    ],
    [
      '1.7B shape',
      await measure(machine, machine.models.synthetic('qwen3-1.7B'), 4096, machine.quick ? 2 : 8),
    ],
  ];
  report.tables.lookup = {
    title:
      'Edits of the history of this project, written anew with drafts from the old text and without: the same tokens.',
    rows: [
      [
        'model',
        'edits',
        'tokens',
        'copied',
        'cut as the tokenizer cuts',
        'tokens/s without',
        'with',
        'drafts taken',
        'faster',
      ],
      ...measured.map(([name, rows]) => {
        const tokens = sum(rows, ({ plain }) => plain.tokens.length);
        const rate = (of) => ((1000 * tokens) / sum(rows, (row) => of(row).decodeMs)).toFixed(1);
        return [
          ...[name, String(rows.length), String(tokens)],
          `${((100 * sum(rows, ({ pair, plain }) => pair.share * plain.tokens.length)) / tokens).toFixed(0)} %`,
          `${sum(rows, ({ cutAlike }) => (cutAlike ? 1 : 0))} of ${rows.length}`,
          ...[rate(({ plain }) => plain), rate(({ drafted }) => drafted)],
          `${sum(rows, ({ drafted }) => drafted.accepted)} of ${sum(rows, ({ drafted }) => drafted.drafted)}`,
          `${speedup(rows).toFixed(2)} x`,
        ];
      }),
    ],
  };
  const [, large] = measured;
  report.bar('lookup', speedup(large[1]), `${large[1].length} edits of the history in the 1.7B shape`);
}
