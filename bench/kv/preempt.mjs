/**
 * How long a keystroke has to wait for an engine that evaluates a prompt of 512 tokens for somebody else: its time to the first token,
 * beyond what it takes on the idle engine. Over the path of the product: EnginePort, addon, kv4.
 *
 *   node bench/kv/preempt.mjs [--quick]      alone, without a report
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshPrompt } from '../engine/engines.mjs';
import { median } from '../engine/figures.mjs';
import { random } from '../engine/parts/cancel.mjs';
import { models, prepareOurs } from '../engine/prepare.mjs';
import { Child } from '../peer/client.mjs';
import { atMost } from '../support/bars.mjs';

export const preemptBars = {
  /** The 95th percentile. */
  preempt: atMost(30, 'ms'),
  /** By how much a prompt with keystrokes in it takes longer than the prompt and the keystrokes. */
  'preempt-total': atMost(5, '%'),
};

const promptTokens = 512;
/** Of a keystroke's prompt: cached, and new each time. */
const cached = 400;
const fresh = 16;

/** `tries` keystrokes, some `apiece` in each prompt. */
const plans = {
  '1.7b': { shape: 'qwen3-1.7B', tries: 48, apiece: 8 },
  '8b': { shape: 'qwen3-8B', tries: 16, apiece: 8 },
};

/** Nearest rank. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/**
 * @param {{ idle: number[], waits: number[], alone: number[], prompts: { ms: number, keystrokesMs: number }[] }} measured
 *   milliseconds: keystrokes on the idle engine and within prompts (to the first token), prompts alone and with keystrokes in them
 */
export function preemptFigures({ idle, waits, alone, prompts }) {
  const base = median(idle);
  const more = waits.map((ms) => ms - base);
  const aloneMs = median(alone);
  const growth = prompts.map(({ ms, keystrokesMs }) => 100 * (ms / (aloneMs + keystrokesMs) - 1));
  return {
    // By how much the idle engine itself is now and then later: what the machine's neighbours do.
    idleSpread: percentile(idle, 0.95) - base,
    ...{ idle: base, p95: percentile(more, 0.95), worst: Math.max(...more), median: median(more) },
    ...{ tries: waits.length, alone: aloneMs, growth: median(growth), worstGrowth: Math.max(...growth) },
  };
}

/**
 * Runs a plan in a child of its own. Rounds of a prompt alone, keystrokes on the idle engine, and keystrokes in a prompt, so that what
 * disturbs the machine meets all of them.
 */
async function measure({ root, addonPath, selfTestChild }, path, { tries, apiece }, log) {
  const child = new Child(join(root, 'bench/kv/preemptChild.mjs'), [addonPath, selfTestChild], {
    ...{ cwd: root, execArgv: ['--import', 'tsx'] },
  });
  const numbers = random(1);
  const base = freshPrompt(cached);
  const keystroke = () => [...base, ...freshPrompt(fresh)];
  try {
    const about = await child.ask('open', { path, context: promptTokens + 128 });
    const measured = { idle: [], waits: [], queued: [], alone: [], prompts: [] };
    await child.ask('keystroke', { tokens: keystroke() });
    while (measured.waits.length < tries) {
      measured.alone.push((await child.ask('prompt', { tokens: freshPrompt(promptTokens) })).ms);
      for (let i = 0; i < apiece; i += 1) {
        measured.idle.push((await child.ask('keystroke', { tokens: keystroke(), cached })).ms);
      }
      const aloneMs = median(measured.alone);
      const gaps = Array.from({ length: apiece }, () => (numbers.next().value * 2 * aloneMs) / (apiece + 1));
      const keystrokes = gaps.map((gapMs) => ({ gapMs, tokens: keystroke() }));
      const answer = await child.ask('interrupted', {
        ...{ tokens: freshPrompt(promptTokens), keystrokes, cached },
      });
      measured.waits.push(...answer.waits);
      measured.queued.push(...answer.queued);
      measured.prompts.push({ ms: answer.ms, keystrokesMs: answer.keystrokesMs });
      log(`preempt: ${measured.waits.length} of ${tries} keystrokes`);
    }
    const queued = { p95: percentile(measured.queued, 0.95), worst: Math.max(...measured.queued) };
    return {
      ...preemptFigures(measured),
      queued,
      kernels: about.kernels,
      threads: about.threads,
      all: measured,
    };
  } finally {
    await child.close();
  }
}

const text = (one) =>
  `p95 of ${one.tries} moments; median ${one.median.toFixed(1)}, worst ${one.worst.toFixed(1)} ms; the engine took it up within ` +
  `${one.queued.p95.toFixed(1)} ms (p95; worst ${one.queued.worst.toFixed(1)}); on the idle engine ` +
  `${one.idle.toFixed(0)} ms, its own p95 ${one.idleSpread.toFixed(1)} more; ${one.threads} threads, kernels ${one.kernels}`;

/** Part of `--part prefix`: hands in the two bars and a table. */
export async function preempt(context, report) {
  const places = await prepareOurs();
  const rows = [];
  report.tables.preempt = { rows };
  for (const [model, plan] of Object.entries(plans)) {
    if (model !== '1.7b' && context.quick) {
      continue;
    }
    const figures = await measure(places, context.models.synthetic(plan.shape), plan, context.log);
    rows.push({ model, ...figures });
    if (model === '1.7b') {
      report.bar('preempt', figures.p95, text(figures));
      report.bar(
        'preempt-total',
        figures.growth,
        `a prompt of ${promptTokens} tokens with some ${plan.apiece} keystrokes in it, median of ` +
          `${figures.all.prompts.length} (worst ${figures.worstGrowth.toFixed(1)} %); alone ${figures.alone.toFixed(0)} ms`,
      );
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const bars = [];
  const report = {
    tables: {},
    bar: (id, value, note) => {
      const { bar, unit, holds } = preemptBars[id];
      bars.push({ id, value, unit, bar, holds: holds(value), note });
    },
  };
  const log = (line) => console.error(line);
  preempt({ models, quick: process.argv.includes('--quick'), log }, report).then(() => {
    for (const { all, ...row } of report.tables.preempt.rows) {
      console.log(JSON.stringify({ ...row, waits: all.waits.map(Math.round) }));
    }
    console.log(JSON.stringify(bars, null, 2));
  });
}
