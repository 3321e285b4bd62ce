#!/usr/bin/env node
/**
 * Our engine against llama.cpp (bench/peer) on the same files: tokens per second of evaluating a fresh prompt (prefill) and of
 * writing on (decode).
 *
 *   node bench/engine.mjs [--quick] [--json FILE]
 *
 * Both stay loaded and take turns, so that a disturbance of the machine meets both. The medians of each engine's best settings are
 * compared (threads; for the peer flash attention too): of all settings for the small model, of those that won a short trial for the
 * large one. It does its own set-up.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare, root } from './engine/prepare.mjs';
import { Child } from './peer/client.mjs';
import { printRows } from './support/table.mjs';

const { values: args } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
});
const rounds = args.quick ? 3 : 7;
const decodeTokens = 64;
const cores = availableParallelism();
const batchSize = 512;

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Prompts of ids that both vocabularies have. No two begin alike, so that no engine can reuse one for another. */
let prompts = 0;
function freshPrompt(length) {
  prompts += 1;
  return Array.from({ length }, (_, i) => 300 + ((prompts * 7919 + i * 104_729) % 15_000));
}

/** Tokens per second of one measurement. */
async function measure(engine, what, tokens, count = decodeTokens) {
  if (what === 'prefill') {
    const { ms } = await engine.child.ask('prefill', { tokens });
    return (tokens.length / ms) * 1000;
  }
  const { ms, steps } = await engine.child.ask('decode', { tokens, count });
  return (steps / ms) * 1000;
}

const threadCounts = [...new Set([cores, Math.ceil(cores / 2), 1])];

/** All settings worth a try. */
function candidates(engine, model) {
  const flash = engine.hasFlashAttention ? [false, true] : [false];
  return threadCounts.flatMap((threads) =>
    flash.map((flashAttention) => ({ contextSize: model.context, batchSize, threads, flashAttention })),
  );
}

async function configure(engine, settings) {
  await engine.child.ask('configure', settings);
  await measure(engine, 'decode', freshPrompt(8), 8); // warms up
}

/** For a model that is too slow to measure with all settings: the best in a short trial, for each kind of work. */
async function shortlist(engine, model) {
  const best = { prefill: { speed: 0 }, decode: { speed: 0 } };
  for (const settings of candidates(engine, model)) {
    await configure(engine, settings);
    for (const what of ['prefill', 'decode']) {
      for (let left = model.trial.tries; left > 0; left -= 1) {
        const tokens = freshPrompt(what === 'prefill' ? model.trial.prompt : 32);
        const speed = await measure(engine, what, tokens, model.trial.decode);
        if (speed > best[what].speed) {
          best[what] = { speed, settings };
        }
      }
    }
  }
  return { prefill: [best.prefill.settings], decode: [best.decode.settings] };
}

function settingsText({ threads, flashAttention }) {
  return `${threads} thread${threads === 1 ? '' : 's'}${flashAttention ? ', flash attention' : ''}`;
}

async function compare(model, engines) {
  for (const engine of engines) {
    engine.child = engine.start();
    engine.about = await engine.child.ask('load', { path: model.path });
    const all = candidates(engine, model);
    engine.settings =
      model.trial === undefined ? { prefill: all, decode: all } : await shortlist(engine, model);
  }
  const results = [];
  for (const what of ['prefill', 'decode']) {
    for (const engine of engines) {
      engine.runs = engine.settings[what].map((settings) => ({ settings, all: [] }));
      if (engine.runs.length === 1) {
        await configure(engine, engine.runs[0].settings);
      }
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const engine of round % 2 === 0 ? engines : [...engines].reverse()) {
        for (const { settings, all } of engine.runs) {
          if (engine.runs.length > 1) {
            await configure(engine, settings);
          }
          all.push(await measure(engine, what, freshPrompt(what === 'prefill' ? model.prompt : 32)));
        }
      }
    }
    const [ours, peer] = engines.map(({ runs }) => {
      const measured = runs.map((run) => ({ ...run, median: median(run.all) }));
      const best = measured.reduce((a, b) => (b.median > a.median ? b : a));
      return { ...best, others: measured.filter((run) => run !== best) };
    });
    results.push({
      model: model.id,
      what,
      tokens: what === 'prefill' ? model.prompt : decodeTokens,
      ours,
      peer,
      ratio: ours.median / peer.median,
    });
  }
  for (const engine of engines) {
    await engine.child.close();
  }
  return results;
}

function printTable(results) {
  const rows = [['model', 'what', 'ours tok/s', 'llama.cpp tok/s', 'ratio', 'settings (ours; llama.cpp)']];
  const range = ({ median: middle, all }) =>
    `${middle.toFixed(1)} (${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)})`;
  for (const { model, what, tokens, ours, peer, ratio } of results) {
    rows.push([
      model,
      `${what} ${tokens}`,
      range(ours),
      range(peer),
      `${ratio.toFixed(2)}x`,
      `${settingsText(ours.settings)}; ${settingsText(peer.settings)}`,
    ]);
  }
  printRows(rows);
}

async function main() {
  const { addonPath, embedded, big } = await prepare();
  const loadBefore = loadavg()[0];
  const models = [
    // So quick that every setting is measured at full length.
    { id: 'embedded', path: embedded, context: 2048, prompt: 1024 },
    {
      ...{ id: '1.7b', path: big, context: 1024, prompt: 512 },
      trial: args.quick ? { prompt: 64, decode: 8, tries: 1 } : { prompt: 128, decode: 16, tries: 2 },
    },
  ];
  const engines = [
    {
      name: 'ours',
      hasFlashAttention: false,
      start: () =>
        new Child(join(root, 'bench', 'engine', 'ours.mjs'), [addonPath], {
          cwd: root,
          execArgv: ['--import', 'tsx'],
        }),
    },
    {
      name: 'peer',
      hasFlashAttention: true,
      start: () => new Child(join(root, 'bench', 'peer', 'llama.mjs')),
    },
  ];
  const started = performance.now();
  const results = [];
  for (const model of models) {
    results.push(...(await compare(model, engines)));
  }
  const [ours, peer] = engines;
  const report = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores,
    load: [loadBefore, loadavg()[0]],
    kernels: ours.about.kernels,
    peer: `llama.cpp ${peer.about.release}`,
    rounds,
    seconds: Math.round((performance.now() - started) / 1000),
    results,
    bars: results.map(({ model, what, ratio }) => ({
      id: `not-slower-${what}-${model}`,
      value: ratio,
      unit: 'x',
      bar: 1.0,
      holds: ratio >= 1.0,
    })),
  };
  console.log(
    `${report.cpu}, ${cores} cores, load ${report.load.map((load) => load.toFixed(1)).join(' to ')}; ` +
      `kernels ${report.kernels}; ${report.peer}; medians of ${rounds} (${report.seconds} s)\n`,
  );
  printTable(results);
  console.log('');
  for (const { id, value, holds } of report.bars) {
    console.log(`${holds ? 'holds' : 'DOES NOT HOLD'}: ${id} ${value.toFixed(2)}x (at least 1.00x)`);
  }
  if (args.json !== undefined) {
    writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1); // children may still be there; they end with their channel
}
