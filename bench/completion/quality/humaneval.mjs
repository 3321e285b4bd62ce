/**
 * Problems whose solutions can be run. In Python: HumanEval's random spans, "light" (Bavarian et al. 2022), one a problem. In
 * JavaScript: HumanEval-X, of whose solutions a line is taken away here. The data are not part of the repository: they are looked for in
 * ../shared/data/eval, or in the folder that NIWAKI_EVAL_DATA names.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const files = {
  python: 'HumanEval-RandomSpanInfillingLight.jsonl.gz',
  javascript: 'humaneval_js.jsonl.gz',
};

function read(root, language) {
  const folder = process.env.NIWAKI_EVAL_DATA ?? join(root, '..', 'shared', 'data', 'eval');
  const path = join(folder, files[language]);
  if (!existsSync(path)) {
    throw new Error(`there is no ${path}`);
  }
  return gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const order = (text) => createHash('sha256').update(text).digest('hex');

/**
 * @returns problems: `text` with a hole at `offset`, what was there (`expected`), and `program`, which makes of a filled text something
 *   that ends without an error when it is right
 */
function pythonSpans(root) {
  return read(root, 'python').map((one) => ({
    ...{ id: one.task_id, language: 'python', path: 'solution.py' },
    ...{ text: one.prompt + one.suffix, offset: one.prompt.length, expected: one.canonical_solution },
    program: (text) => `${text}\n${one.test}\ncheck(${one.entry_point})\n`,
  }));
}

/** A line of each solution, chosen by the problem's name; the cursor stands behind its indentation. */
function javascriptLines(root) {
  return read(root, 'javascript').flatMap((one) => {
    const text = one.prompt + one.canonical_solution;
    let start = one.prompt.length;
    const lines = one.canonical_solution
      .split('\n')
      .map((line) => {
        const at = start;
        start += line.length + 1;
        return { line, at };
      })
      .filter(({ line }) => line.trim().length >= 3 && !line.trim().startsWith('//'))
      .sort((a, b) => (order(`${one.task_id} ${a.at}`) < order(`${one.task_id} ${b.at}`) ? -1 : 1));
    return lines.slice(0, 1).map(({ line, at }) => {
      const offset = at + line.length - line.trimStart().length;
      return {
        ...{ id: one.task_id, language: 'javascript', path: 'solution.js' },
        ...{ text: text.slice(0, offset) + text.slice(at + line.length), offset, expected: line.trim() },
        program: (filled) => `${filled}\n${one.test}`,
      };
    });
  });
}

const filled = ({ text, offset }, { text: said, end = offset }) =>
  text.slice(0, offset) + said + text.slice(end);

/**
 * Suggestions put in and run. Problems whose own solution does not pass here, or that pass with nothing put in, tell nothing: they are
 * counted and left out.
 * @param {Record<string, (problem: object) => Promise<{ text: string, end?: number }>>} predictors by name
 */
export async function passAt1(problems, run, predictors) {
  const counts = { problems: problems.length, broken: 0, needless: 0 };
  const passed = Object.fromEntries(Object.keys(predictors).map((name) => [name, { passed: 0, exact: 0 }]));
  let used = 0;
  for (const problem of problems) {
    const { offset, expected, program } = problem;
    const passes = (said) => run(program(filled(problem, said)));
    if (!(await passes({ text: expected }))) {
      counts.broken += 1;
      continue;
    }
    if (await passes({ text: '' })) {
      counts.needless += 1;
      continue;
    }
    used += 1;
    for (const [name, predict] of Object.entries(predictors)) {
      const said = { end: offset, ...(await predict(problem)) };
      passed[name].exact += said.text.trim() === expected.trim() ? 1 : 0;
      passed[name].passed += said.text.trim() !== '' && (await passes(said)) ? 1 : 0;
    }
  }
  return { ...counts, used, predictors: passed };
}

const every = (list, most) => list.filter((_, i) => i % Math.ceil(list.length / most) === 0);

/**
 * Pass@1 of both languages. @param sandbox of sandbox.mjs; `most` problems each
 * @returns {{ rows: object[], missing: string[] }}
 */
export async function humanEval({ root, sandbox, predictors, most }) {
  const rows = [];
  const missing = [];
  for (const [language, what, make] of [
    ['python', 'random spans', pythonSpans],
    ['javascript', 'lines', javascriptLines],
  ]) {
    try {
      const problems = every(make(root), most);
      const run = (program) => sandbox[language](program);
      rows.push({ language, what, ...(await passAt1(problems, run, predictors)) });
    } catch (error) {
      missing.push(`HumanEval, ${language}: ${error.message}`);
    }
  }
  return { rows, missing };
}
