#!/usr/bin/env node
/**
 * Our engine against llama.cpp (bench/peer) on the same files and in one run, with the bars that it has to meet. docs/SPEED.md
 * says how each figure is taken.
 *
 *   node bench/engine.mjs [--quick] [--only PART]... [--json FILE] [--plot] [--from FILE]
 *
 * --quick takes 8 minutes at the most instead of 40: fewer rounds, no grid. --only runs single parts (decode, prefill, load,
 * busy, cancel, quality, lookup, grid); bars of the others count as short. --json writes the report, --plot docs/speed.svg;
 * --from shows, or plots, a report that was written before, and measures nothing. It does its own set-up.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cores, Engines } from './engine/engines.mjs';
import { parts } from './engine/parts.mjs';
import { plot } from './engine/plot.mjs';
import { models, prepare, root } from './engine/prepare.mjs';
import { printReport, Report, runParts } from './engine/report.mjs';
import { partsNamed } from './support/report.mjs';

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    plot: { type: 'boolean', default: false },
    from: { type: 'string' },
  },
});

/** Of a full run. The bars come first; points of the grid that do not fit are left out, and the report says so. */
const longestMinutes = 40;

async function measure() {
  const chosen = partsNamed(parts, args.only);
  const engines = new Engines(await prepare());
  const report = new Report();
  const loadBefore = loadavg()[0];
  const start = performance.now();
  try {
    const about = await describe(engines);
    const context = {
      ...{ engines, models, root, quick: args.quick, rounds: args.quick ? 3 : 7 },
      secondsLeft: () => 60 * longestMinutes - (performance.now() - start) / 1000,
      log: (text) => console.error(text), // progress; the report alone is on the standard output
    };
    await runParts(chosen, context, report);
    return {
      ...{ date: new Date().toISOString().slice(0, 10), cpu: cpus()[0]?.model.trim() ?? 'unknown', cores },
      ...{ load: [loadBefore, loadavg()[0]], ...about, quick: args.quick },
      ...{ seconds: report.seconds, notes: report.notes, results: report.results, bars: report.bars() },
    };
  } finally {
    await engines.closeAll();
  }
}

async function describe(engines) {
  const [ours, peer] = [engines.ours(), engines.peer()];
  const tables = await ours.ask('tables');
  const { release } = await peer.ask('load', { path: models.embedded });
  await engines.closeAll();
  return {
    kernels: tables.find(({ supported, allowed }) => supported && allowed)?.name ?? 'none',
    peer: `llama.cpp ${release}`,
  };
}

try {
  const report = args.from === undefined ? await measure() : JSON.parse(readFileSync(args.from, 'utf8'));
  printReport(report);
  if (args.json !== undefined) {
    writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  if (args.plot) {
    writeFileSync(join(root, 'docs', 'speed.svg'), plot(report));
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1); // children may still be there; they end with their channel
}
