/**
 * The prefix cache. Each step owes one bar and fails alone. The embedded model goes by the calibration that ships with it, as in
 * the product.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureCorruption } from '../corruption.mjs';
import { pairedLoss } from '../paired.mjs';
import { preempt } from '../preempt.mjs';
import { runProgram } from '../program.mjs';
import { filesOf } from '../texts.mjs';

const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

async function reuse({ program, embedded, text, threads, quick }, report) {
  const { rows } = await runProgram(program, 'prefix-reuse', {
    ...embedded,
    text,
    threads,
    cuts: quick ? 10 : 60,
  });
  report.tables.reuse = { rows };
  const total = (name) => rows.reduce((sum, row) => sum + row[name], 0);
  const kernels = [...new Set(rows.map((row) => row.kernels))];
  report.bar(
    'reuse-exact',
    total('wrong'),
    `of ${total('trials')} trials that reused ${total('reused')} tokens; kernels ${kernels.join(', ')}, every codec`,
  );
}

async function fork({ program, models, text, threads, quick }, report) {
  const model = models.synthetic('qwen3-1.7B');
  const found = await runProgram(program, 'prefix-fork', {
    model,
    text,
    threads,
    tokens: quick ? 1024 : 4096,
  });
  const { tokens, forks, more, prefix, held, tail, apart, wrong } = found;
  if (wrong > 0) {
    throw new Error(`a fork's logits are not those of a run that reuses nothing`);
  }
  report.bar(
    'fork',
    held / (prefix + forks * tail),
    `${forks} branches of ${more} tokens over ${tokens}: ${mib(held)} held, the prefix alone ${mib(prefix)}, ` +
      `a tail at most ${mib(tail)}; each for itself they would hold ${mib(apart)}`,
  );
}

async function shift({ program, embedded, text, threads, quick }, report) {
  const found = await runProgram(program, 'prefix-shift', {
    ...embedded,
    text,
    threads,
    texts: quick ? 2 : 8,
  });
  report.tables.shift = found;
  const { texts, cold, shifted, stale, codes, exactAgain } = found;
  const small = (value) => value.toExponential(2);
  report.bar(
    'shift-kl',
    exactAgain === texts ? shifted / cold : null,
    `mean KL from half precision computed anew: kv4 computed anew ${small(cold)}, kv4 moved ${small(shifted)}, half precision moved ` +
      `${small(stale)}; what codes add to that ${small(codes)} (${(codes / cold).toFixed(2)}x); after the recomputation in idle time ` +
      `${exactAgain} of ${texts} exactly as computed anew`,
  );
}

async function matches({ program, embedded, root, threads, quick }, report) {
  const files = filesOf(root, 'report').join(',');
  const { rows } = await runProgram(program, 'prefix-em', {
    ...embedded,
    files,
    threads,
    points: quick ? 60 : 2000,
  });
  report.tables.matches = { rows };
  const total = (name) => rows.reduce((sum, row) => sum + row[name], 0);
  const [both, onlyCold, onlyShifted] = [total('both'), total('onlyCold'), total('onlyShifted')];
  const cold = both + onlyCold;
  const { loss, low, high, p } = pairedLoss({ both, onlyFirst: onlyCold, onlySecond: onlyShifted });
  const interval =
    low === null
      ? ''
      : `95 % interval ${low.toFixed(1)} to ${high.toFixed(1)} % (paired; sign test p = ${p.toFixed(2)}), `;
  report.bar(
    'shift-em',
    cold >= total('points') / 10 ? loss : null, // fewer are no signal
    `${interval}${total('points')} cursors: right ${cold} times computed anew, ${both + onlyShifted} times with moved pages, ${onlyCold} alone anew, ` +
      `${onlyShifted} alone moved; the same text ${total('same')} times; ${((total('computed') / total('tokens')) * 100).toFixed(0)} % of the prompts' tokens computed`,
  );
}

async function soak({ program, embedded, text, threads, quick }, report) {
  const found = await runProgram(program, 'prefix-soak', {
    ...embedded,
    text,
    threads,
    seconds: quick ? 30 : 600,
  });
  report.tables.soak = found;
  const {
    clients,
    budget,
    held,
    resident,
    steps,
    samples,
    wrong,
    reused,
    shared,
    shifted,
    computed,
    evicted,
  } = found;
  report.bar(
    'soak',
    wrong === 0 && samples > 0 && evicted > 0 ? Math.max(held, resident) / budget : null,
    `${clients} sessions, budget ${mib(budget)}, held at most ${mib(held)}, the process grew by ${mib(resident)} at most; ${steps} steps, ${wrong} of ` +
      `${samples} samples wrong; tokens reused ${reused}, shared ${shared}, moved ${shifted}, computed ${computed}, evicted ${evicted}`,
  );
}

async function restore({ program, models, text, threads, quick }, report) {
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-pages-'));
  try {
    const options = {
      model: models.synthetic('qwen3-1.7B'),
      text,
      threads,
      folder,
      tokens: quick ? 2048 : 8192,
    };
    const { warm, cold, computedMs, savedMs, pages } = await runProgram(program, 'prefix-restore', options);
    const exact = [warm, cold].every(({ same, restored }) => same === 1 && restored === options.tokens);
    const said = ({ totalMs, syncMs }) =>
      `${totalMs.toFixed(0)} ms (${syncMs.toFixed(0)} until the prompt is there)`;
    report.bar(
      'restore-8k',
      exact && !quick ? warm.totalMs / 1000 : null,
      `${warm.restored} tokens, ${pages} pages, to the first token: files in the system's memory ${said(warm)}, not in it ${said(cold)}; ` +
        `computing them took ${(computedMs / 1000).toFixed(1)} s, saving ${(savedMs / 1000).toFixed(1)} s` +
        `${exact ? ', bit for bit the same' : ': NOT the same'}${quick ? '; the bar is for 8,192 tokens' : ''}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function corruption({ program }, report) {
  const { value, note } = await measureCorruption(program);
  report.bar('corruption', value, note);
}

const steps = [
  [reuse, ['reuse-exact']],
  [shift, ['shift-kl']],
  [matches, ['shift-em']],
  [fork, ['fork']],
  [restore, ['restore-8k']],
  [corruption, ['corruption']],
  [preempt, ['preempt', 'preempt-total']],
  [soak, ['soak']],
];

export async function prefix(context, report) {
  const { models, root, texts } = context;
  const embedded = { model: models.embedded, calibration: join(root, 'models', 'nano.kvc') };
  const text = join(root, texts.report.path);
  for (const [step, ids] of steps) {
    try {
      context.log(`  ${step.name} …`);
      await step({ ...context, embedded, text }, report);
    } catch (error) {
      report.failed('prefix', ids, error instanceof Error ? error.message : String(error));
    }
  }
}
