#!/usr/bin/env node
/**
 * The KV cache: what the codecs lose, what they hold, how fast attention is, with the bars that they have to meet. docs/KV.md says how each figure is taken.
 *
 *   node bench/kv.mjs [--quick] [--only PART]... [--part PART] [--json FILE] [--from FILE]
 *
 * --only (or --part, for one) runs single parts (quality, bytes, attention, encode, peer); bars of the others count as short.
 * --part prefix is a benchmark of its own, with its own bars: pages that are shared, moved, saved, and who waits for whom.
 * --quick measures less of each: the 1.7B shape is then not decoded whole.
 * --json writes the report; --from shows one that was written before, and measures nothing. It does its own set-up.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { models, root } from './engine/prepare.mjs';
import { bars, prefixBars } from './kv/bars.mjs';
import { parts } from './kv/parts.mjs';
import { buildProgram } from './kv/program.mjs';
import { chooseParts, Report, runParts } from './kv/report.mjs';
import { printReport } from './kv/tables.mjs';
import { writeTexts } from './kv/texts.mjs';

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    part: { type: 'string' },
    json: { type: 'string' },
    from: { type: 'string' },
  },
});

async function measure() {
  const chosen = chooseParts(parts, args.only, args.part);
  const report = new Report(chosen[0]?.name === 'prefix' ? prefixBars : bars);
  const loadBefore = loadavg()[0];
  const texts = writeTexts(root);
  const context = {
    ...{ program: buildProgram(), models, texts, root, quick: args.quick, threads: availableParallelism() },
    log: (text) => console.error(text), // progress; the report alone is on the standard output
  };
  await runParts(chosen, context, report);
  return {
    ...{ date: new Date().toISOString().slice(0, 10), cpu: cpus()[0]?.model.trim() ?? 'unknown' },
    ...{ cores: availableParallelism(), load: [loadBefore, loadavg()[0]], quick: args.quick },
    texts,
    ...{ seconds: report.seconds, notes: report.notes, tables: report.tables, bars: report.bars() },
  };
}

try {
  const report = args.from === undefined ? await measure() : JSON.parse(readFileSync(args.from, 'utf8'));
  printReport(report);
  if (args.json !== undefined) {
    writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
