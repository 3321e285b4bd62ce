#!/usr/bin/env node
/**
 * Completion: what is suggested (the part "quality", docs/QUALITY.md), and how soon and at what cost ("replay").
 *
 *   node bench/completion.mjs [--part quality|replay] [--quick] [--step NAME]... [--fresh] [--json FILE] [--from FILE]
 *
 * Without --part both. --step runs single steps of a part; bars of the others count as short. --fresh asks the peer again instead of
 * taking its answers from an earlier run. --json writes the report; --from shows one that was written before, and measures nothing.
 * It does its own set-up.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { models, root } from './engine/prepare.mjs';
import { BarReport, printBars, printHead, runParts } from './support/report.mjs';

const { values: args } = parseArgs({
  options: {
    part: { type: 'string' },
    quick: { type: 'boolean', default: false },
    step: { type: 'string', multiple: true },
    fresh: { type: 'boolean', default: false },
    json: { type: 'string' },
    from: { type: 'string' },
  },
});

/** Each is a file here that exports what it is called after: NAME(context, report), NAMEBars, and perhaps printName(table). */
const names = ['quality', 'replay'];

async function loadPart(name) {
  if (!names.includes(name)) {
    throw new Error(`There is no part "${name}"; there are ${names.join(', ')}.`);
  }
  const found = await import(`./completion/${name}.mjs`);
  return {
    ...{ name, run: found[name], bars: found[`${name}Bars`] },
    print: found[`print${name[0].toUpperCase()}${name.slice(1)}`],
  };
}

async function measure(parts) {
  const report = new BarReport(Object.assign({}, ...parts.map(({ bars }) => bars)));
  report.tables = {};
  const loadBefore = loadavg()[0];
  const context = {
    ...{ root, models, quick: args.quick, steps: args.step, fresh: args.fresh },
    log: (text) => console.error(text), // progress; the report alone is on the standard output
  };
  await runParts(
    parts.map((part) => ({ ...part, bars: Object.keys(part.bars) })),
    context,
    report,
  );
  return {
    ...{ date: new Date().toISOString().slice(0, 10), cpu: cpus()[0]?.model.trim() ?? 'unknown' },
    ...{ cores: availableParallelism(), load: [loadBefore, loadavg()[0]], quick: args.quick },
    ...{ seconds: report.seconds, notes: report.notes, tables: report.tables, bars: report.bars() },
  };
}

try {
  const parts = await Promise.all((args.part === undefined ? names : [args.part]).map(loadPart));
  const report = args.from === undefined ? await measure(parts) : JSON.parse(readFileSync(args.from, 'utf8'));
  printHead(report);
  for (const { name, print } of parts) {
    if (print !== undefined && report.tables[name] !== undefined) {
      print(report.tables[name]);
    }
  }
  printBars(report, (value) => value.toFixed(2));
  if (args.json !== undefined) {
    writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
