/**
 * Edits under masks: whether each ends, parses, is found and applies, whatever the model is and however few tokens it gets, and leaves all else
 * as it is, byte for byte. Real files of this project, ranges and tasks at random; judged by a reader of blocks that shares nothing with the
 * product's. Whether the edits are any good is not asked: weights at random say nothing, and the embedded model was not made to talk.
 */
import { editRoom, projectFiles, protocol, random, withEditor } from '../editor.mjs';

const mostContext = 3072;
/** UTF-16 units of a range: larger ones do not fit into the small context. */
const longestRange = 3000;
const trials = 100;
/** Tokens of the longest answers: what runs for longer shows nothing that these do not. */
const ample = 260;

const tasks = ['instruct', 'fix', 'simplify', 'extract', 'toAsync', 'toFunctions', 'addTypes', 'document'];
const instructions = [
  'Rename what is badly named',
  'Say it in fewer lines',
  '',
  'Handle the empty case',
  'Use constants',
];
/** What an answer gets, beside the fewest tokens that are enough: for blocks there that is none of them, so they get some for one. */
const budgets = [
  { name: 'the fewest that are enough', rewrite: 0, blocks: 0 },
  { name: 'hardly enough', rewrite: 5, blocks: 50 },
  { name: 'a few more', rewrite: 30, blocks: 90 },
  { name: 'many more', rewrite: 100, blocks: 160 },
  { name: "the product's own, cut", rewrite: ample, blocks: ample },
];

/** Edit number i: another file, range, task, form and budget each time. */
function trial(i, attempt, files) {
  const { DocumentLines, hasBlocks } = editRoom();
  const draw = new (random())(4711 + i + 10_000 * attempt);
  for (;;) {
    const file = files[draw.below(files.length)];
    const lines = new DocumentLines(i % 7 === 3 ? file.text.replaceAll('\n', '\r\n') : file.text);
    const form = i % 2 === 0 ? 'rewrite' : 'blocks';
    const size = form === 'rewrite' ? 1 + draw.below(24) : 8 + draw.below(110);
    if (lines.count >= size) {
      const start = draw.below(lines.count - size + 1);
      const range = { start, end: start + size };
      if (lines.startOf(range.end) - lines.startOf(range.start) > longestRange) {
        continue;
      }
      if (form === 'rewrite' || hasBlocks(lines.lines(range))) {
        const asked = {
          ...{
            task: tasks[draw.below(tasks.length)],
            instruction: instructions[draw.below(instructions.length)],
          },
          ...{ problems: [], tried: '' },
        };
        const sampling = [{ temperature: 0 }, { temperature: 0.7, seed: i }, { temperature: 1.5, seed: i }][
          draw.below(3)
        ];
        return {
          ...file,
          lines,
          range,
          form,
          asked,
          sampling,
          budget: budgets[i % budgets.length],
          lookup: draw.below(2) === 0,
        };
      }
    }
  }
}

/** The range after the blocks, read and applied by a few lines of their own: whole lines, the first place where they stand. */
function byHand(said, original) {
  let rest = original;
  let done = [];
  const body = said;
  for (let at = 0; at < body.length;) {
    if (body[at] !== '<<<<<<< SEARCH') {
      throw new Error(`no block begins with ${JSON.stringify(body[at])}`);
    }
    const divider = body.indexOf('=======', at);
    const end = body.indexOf('>>>>>>> REPLACE', divider);
    const search = body.slice(at + 1, divider);
    const place = rest.findIndex((_, line) => search.every((text, k) => rest[line + k] === text));
    if (divider < 0 || end < 0 || search.length === 0 || place < 0) {
      throw new Error(`a block does not end, or its lines do not stand there: ${JSON.stringify(search)}`);
    }
    const all = original.filter((_, line) => search.every((text, k) => original[line + k] === text)).length;
    if (all !== 1) {
      throw new Error(`the lines stand at ${all} places: ${JSON.stringify(search)}`);
    }
    done = [...done, ...rest.slice(0, place), ...body.slice(divider + 1, end)];
    rest = rest.slice(place + search.length);
    at = end + 1;
  }
  return [...done, ...rest];
}

/** What is wrong with an answer; undefined = nothing is. */
function whatIsWrong({ lines, range, form }, { text, problem, edits }) {
  const { applyEdits, withoutEnd, linesOf } = protocol();
  if (problem !== '') {
    return `it does not apply: ${problem}`;
  }
  const after = applyEdits(lines.text, edits);
  const [start, end] = [lines.startOf(range.start), lines.startOf(range.end)];
  const [before, behind] = [lines.text.slice(0, start), lines.text.slice(end)];
  if (!after.startsWith(before) || !after.endsWith(behind) || after.length < before.length + behind.length) {
    return 'what lies outside the range has changed';
  }
  const now = after.slice(start, after.length - behind.length);
  const nowLines =
    now === ''
      ? []
      : linesOf(now)
          .filter((line, k, all) => k < all.length - 1 || line !== '')
          .map(withoutEnd);
  const original = lines.lines(range);
  const said = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const wanted = form === 'blocks' ? byHand(said, original) : said;
  // A rewrite may be moved sideways, and lose lines of its surroundings that it has said again.
  const same =
    form === 'blocks'
      ? nowLines.join('\n') === wanted.join('\n')
      : wanted
          .map((line) => line.trim())
          .join('\n')
          .includes(nowLines.map((line) => line.trim()).join('\n'));
  return same ? undefined : `it became ${JSON.stringify(text)}, which is not what was said`;
}

/**
 * These models seldom choose to begin a block, or to end one: they are led to, in some edits to one long block, in others to many short ones, in some to
 * an end of their own; otherwise most answers would be empty or one endless block. What a block says is theirs, and what may be said is the mask's.
 */
const leads = [
  { fence: -40, begin: 25, end: 6 },
  { fence: -40, begin: 40, end: 60 },
  { fence: 25, begin: 25, end: 60 },
];

async function biasOf(engine, handle, { fence, begin, end }) {
  const wanted = [
    ...['`', '``', '```', '````'].map((text) => [text, fence]),
    ...['<', '<<', '<<<', '<<<<', '<<<<<<', '<<<<<<<'].map((text) => [text, begin]),
    ...['>', '>>', '>>>', '>>>>', '>>>>>>', '>>>>>>>'].map((text) => [text, end]),
    ...['=', '==', '===', '====', '======', '======='].map((text) => [text, end / 2]),
    ['\n', Math.min(end, 20)],
  ];
  const found = await Promise.all(
    wanted.map(async ([text, bias]) => ({ id: await engine.findToken(handle, text), bias })),
  );
  return found.filter(({ id }) => id >= 0);
}

async function leastTokens(session, plan, format) {
  try {
    await session.generate({
      ...{ tokens: plan.tokens, maxTokens: 1, priority: 1, stopTokens: format.stopTokens },
      constraint: { grammar: plan.grammar },
    });
  } catch (error) {
    return Number(/takes (\d+) tokens at least/.exec(error.message)?.[1]);
  }
  return 1;
}

async function makeEdits(machine, path, count, files, log) {
  const { planEdit, decode, effortOf, editsOf } = editRoom();
  return withEditor(machine, path, mostContext, async ({ engine, model, format, session }) => {
    const wrong = [];
    const byBudget = new Map(budgets.map(({ name }) => [name, { edits: 0, right: 0 }]));
    const figures = { tokens: 0, blocks: 0, cut: 0, changed: 0, rewrites: 0 };
    const biases = await Promise.all(leads.map((lead) => biasOf(engine, model.handle, lead)));
    /** What does not fit into the model's context is refused before anything is said: then another edit is drawn. */
    const planned = async (i) => {
      for (let attempt = 0; ; attempt += 1) {
        const edit = trial(i, attempt, files);
        const { path: name, languageId, lines, range, asked, form } = edit;
        try {
          const plan = await planEdit({
            engine,
            model,
            format,
            path: name,
            languageId,
            lines,
            range,
            asked,
            form,
          });
          return { edit, plan };
        } catch (error) {
          if (error.code !== 'context_overflow') {
            throw error;
          }
        }
      }
    };
    for (let i = 0; i < count; i += 1) {
      const { edit, plan } = await planned(i);
      const { form, lines, range, budget } = edit;
      let problem;
      try {
        const least = await leastTokens(session, plan, format);
        const maxTokens = Math.min(least + budget[form], plan.maxTokens);
        const answer = await decode({
          ...{
            session,
            format,
            fence: plan.fence,
            grammar: plan.grammar,
            tokens: plan.tokens,
            maxTokens,
            closing: plan.closing,
          },
          ...{
            effort: effortOf(model.info.threads, false),
            sampling:
              form === 'blocks'
                ? { ...edit.sampling, logitBias: biases[(i >> 1) % biases.length] }
                : edit.sampling,
          },
          ...(edit.lookup && { lookup: plan.expected.length > 0 ? { expected: plan.expected } : {} }),
          ...{ signal: new AbortController().signal, onReading: () => undefined, onText: () => undefined },
        });
        const made = editsOf(answer.text, { lines, range, form });
        problem =
          answer.figures.tokens > maxTokens
            ? `it took ${answer.figures.tokens} of ${maxTokens} tokens`
            : whatIsWrong(edit, { text: answer.text, ...made });
        figures.tokens += answer.figures.tokens;
        figures.blocks += answer.text.split('>>>>>>> REPLACE\n').length - 1;
        figures.cut += answer.cut ? 1 : 0;
        figures.changed += made.edits.length > 0 ? 1 : 0;
        figures.rewrites += form === 'rewrite' ? 1 : 0;
      } catch (error) {
        problem = error.message;
      }
      const row = byBudget.get(budget.name);
      row.edits += 1;
      row.right += problem === undefined ? 1 : 0;
      if (problem !== undefined) {
        wrong.push(`edit ${i} (${edit.path}, ${form}, ${budget.name}): ${problem}`);
      }
      if (i % 10 === 9) {
        log(`  ${i + 1} edits, ${wrong.length} wrong`);
      }
    }
    return { wrong, count, right: count - wrong.length, figures, byBudget: [...byBudget] };
  });
}

export async function run(machine, report) {
  const share = machine.quick ? 0.2 : 1;
  const files = projectFiles(machine.root);
  const count = trials * share;
  const results = [
    ['embedded', await makeEdits(machine, machine.models.embedded, count, files, machine.log)],
    // Of a real shape with its vocabulary; of its layers two, because what they say is noise either way.
    [
      'weights at random',
      await makeEdits(machine, machine.models.synthetic('qwen3-1.7B', 2), count, files, machine.log),
    ],
  ];
  report.tables.apply = {
    title:
      'Edits under masks of files of this project: those that ended, parsed, were found, applied, and left all else as it was.',
    rows: [
      [
        'model',
        'right',
        'rewrites',
        'blocks in the others',
        'changed something',
        'brought to their end by the budget',
        'tokens',
      ],
      ...results.map(([name, { right, count: all, figures }]) => [
        ...[name, `${right} of ${all}`, String(figures.rewrites), String(figures.blocks)],
        ...[String(figures.changed), String(figures.cut), String(figures.tokens)],
      ]),
    ],
    list: results.flatMap(([name, { wrong }]) => wrong.map((line) => `${name}: ${line}`)),
  };
  report.tables.applyBudgets = {
    title: 'The same, by the tokens that they got.',
    rows: [
      ['tokens', ...results.map(([name]) => name)],
      ...budgets.map(({ name }) => [
        name,
        ...results.map(([, { byBudget }]) => {
          const { edits, right } = byBudget.find(([other]) => other === name)[1];
          return `${right} of ${edits}`;
        }),
      ]),
    ],
  };
  const right = results.reduce((sum, [, result]) => sum + result.right, 0) / share;
  report.bar(
    'apply',
    right,
    results.map(([name, result]) => `${name} ${result.right} of ${result.count}`).join(', '),
  );
}
