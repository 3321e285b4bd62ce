/**
 * The part "quality": what is suggested, compared with what stood there. docs/QUALITY.md says how each figure is taken. Steps:
 *
 *   cuts        the product and the plain copy at cursors of the split "test" (precision)
 *   peer        the same model file through llama.cpp at the same cursors (em-ratio, em-model)
 *   humaneval   problems whose solutions are run; their data are not part of the repository
 *
 * Each step fails alone, with the bars that it owes. What the peer answers never changes and takes longest, so it is kept in
 * bench/results/peer-answers.json; --fresh asks again.
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { judged, Kept } from './quality/answers.mjs';
import { qualityBars } from './quality/bars.mjs';
import { plainCopy } from './quality/copy.mjs';
import { kinds } from './quality/cuts.mjs';
import { counts, cutsOf } from './quality/cutSets.mjs';
import { humanEval } from './quality/humaneval.mjs';
import { summarise } from './quality/metrics.mjs';
import { openPeer } from './quality/peer.mjs';
import { openProduct, paths } from './quality/product.mjs';
import { Sandbox } from './quality/sandbox.mjs';
import { printQuality } from './quality/tables.mjs';
import { judgeModel, judgePrecision, judgeRatio, peerForms, peerName } from './quality/verdicts.mjs';

export { qualityBars, printQuality };

/** Says now and then how far it is. */
async function eachOf(list, log, what, work) {
  let told = performance.now();
  const results = [];
  for (const [i, item] of list.entries()) {
    results.push(await work(item));
    if (performance.now() - told > 30_000) {
      told = performance.now();
      log(`    ${what}: ${i + 1} of ${list.length}`);
    }
  }
  return results;
}

const ofKind = (cuts, kind) => cuts.filter((cut) => cut.kind === kind);

function bySource(cuts, rows) {
  return [...new Set(cuts.map(({ source }) => source))].map((source) => {
    const own = rows.filter((_, i) => cuts[i].source === source);
    return { source, ...summarise(own) };
  });
}

async function cutsStep(run, report) {
  const { cuts, log, rows, missing } = run;
  const product = (run.product ??= await openProduct());
  for (const kind of kinds) {
    const at = ofKind(cuts, kind);
    rows[kind]['plain copy'] = at.map((cut) => judged(plainCopy(cut.text, cut.offset), cut));
    for (const path of paths) {
      rows[kind][path] = await eachOf(at, log, `${kind}, ${path}`, async (cut) =>
        judged(await product.complete(cut, path), cut),
      );
    }
  }
  const rest = ofKind(cuts, 'rest');
  rows.rest['whole, others open'] = await eachOf(rest, log, 'rest, other files open', async (cut) =>
    judged(await product.complete(cut, 'whole', cut.openBeside()), cut),
  );
  if (missing.length > 0) {
    report.bar('precision', null, missing.join('; '));
  } else {
    const { value, note } = judgePrecision(rows.rest.whole, product.gate);
    report.bar('precision', value, note);
  }
  report.tables.quality.gate = product.gate;
  report.tables.quality.bySource = bySource(rest, rows.rest.whole);
}

async function peerStep(run, report) {
  const { cuts, log, rows, missing, root, models, fresh } = run;
  const product = (run.product ??= await openProduct());
  const path = join(root, 'bench', 'results', 'peer-answers.json');
  if (fresh) {
    rmSync(path, { force: true });
  }
  const model = createHash('sha256').update(readFileSync(models.embedded)).digest('hex');
  const kept = new Kept(path);
  const { contextSize } = product;
  const peer = await openPeer(root, models.embedded, contextSize);
  const { release } = peer;
  try {
    for (const kind of kinds) {
      // The other forms are there for the two bars alone, which are about cursors anywhere in a line.
      for (const form of kind === 'rest' ? peerForms : ['plain']) {
        rows[kind][peerName(form)] = await eachOf(
          ofKind(cuts, kind),
          log,
          `${kind}, ${peerName(form)}`,
          async (cut) => {
            const asked = {
              release,
              model,
              contextSize,
              form,
              path: cut.path,
              offset: cut.offset,
              text: cut.text,
            };
            return judged(await kept.get(asked, () => peer.complete(cut, form)), cut);
          },
        );
      }
    }
  } finally {
    kept.save();
    await peer.close();
  }
  if (rows.rest.whole === undefined) {
    throw new Error('the step "cuts" has to be measured in the same run');
  }
  report.tables.quality.peer = { release, contextSize, answersOfEarlierRuns: kept.found };
  for (const [id, judge] of [
    ['em-ratio', judgeRatio],
    ['em-model', judgeModel],
  ]) {
    const { value, note } = missing.length > 0 ? { value: null, note: missing.join('; ') } : judge(rows.rest);
    report.bar(id, value, note);
  }
}

async function humanEvalStep(run, report) {
  const { root, quick } = run;
  const product = (run.product ??= await openProduct());
  const sandbox = new Sandbox();
  const predictors = {
    'plain copy': (problem) => Promise.resolve(plainCopy(problem.text, problem.offset)),
    model: (problem) => product.complete(problem, 'model'),
    whole: (problem) => product.complete(problem, 'whole'),
  };
  const { rows, missing } = await humanEval({ root, sandbox, predictors, most: quick ? 30 : 164 });
  report.tables.quality.humanEval = rows;
  for (const text of missing) {
    report.note(`Skipped: ${text}.`);
  }
  if (!sandbox.hasNoNetwork) {
    report.note('HumanEval: the system gives programs no network of their own (unshare).');
  }
}

const steps = {
  cuts: { run: cutsStep, bars: ['precision'] },
  peer: { run: peerStep, bars: ['em-ratio', 'em-model'] },
  humaneval: { run: humanEvalStep, bars: [] },
};

/**
 * @param {{ root: string, models: { embedded: string }, quick: boolean, steps?: string[], fresh?: boolean, log: (text: string) => void }}
 *   context `steps`: some alone; "peer" needs "cuts"
 * @param {import('../support/report.mjs').BarReport} report with `tables`
 */
export async function quality(context, report) {
  const { cuts, sources, missing } = cutsOf('test', context.quick ? counts.quick : counts.full);
  const run = { ...context, cuts, missing, rows: Object.fromEntries(kinds.map((kind) => [kind, {}])) };
  report.tables.quality = { sources, missing };
  for (const text of missing) {
    report.note(`Missing: ${text}.`);
  }
  const chosen = Object.keys(steps).filter((name) => context.steps?.includes(name) ?? true);
  if (chosen.length === 0) {
    throw new Error(`none of its steps was named; there are ${Object.keys(steps).join(', ')}`);
  }
  try {
    for (const name of chosen) {
      context.log(`  ${name} …`);
      try {
        await steps[name].run(run, report);
      } catch (error) {
        report.failed(
          `quality, ${name}`,
          steps[name].bars,
          error instanceof Error ? error.message : String(error),
        );
      }
    }
  } finally {
    await run.product?.close();
  }
  report.tables.quality.rows = kinds.flatMap((kind) =>
    Object.entries(run.rows[kind]).map(([predictor, rows]) => ({ kind, predictor, ...summarise(rows) })),
  );
}
