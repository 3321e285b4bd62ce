/** What the parts hand in, and how it is shown. */
import { bars, judge } from './bars.mjs';
import { printRows } from '../support/table.mjs';

export class Report {
  results = [];
  notes = [];
  seconds = {};
  #measured = {};

  row(row) {
    this.results.push(row);
  }

  bar(id, value, note) {
    if (!Object.hasOwn(bars, id)) {
      throw new Error(`There is no bar called ${id}.`);
    }
    this.#measured[id] = { value, ...(note !== undefined && { note }) };
  }

  note(text) {
    this.notes.push(text);
  }

  /** A part ended early: its bars that have no value yet say why. */
  failed(part, ids, reason) {
    this.note(`${part}: ${reason}`);
    for (const id of ids) {
      this.#measured[id] ??= { value: null, note: reason };
    }
  }

  /** All bars, measured or not. */
  bars() {
    return judge(this.#measured);
  }
}

/** Runs parts one after another; one that fails costs its own bars and no other's. */
export async function runParts(parts, context, report) {
  for (const { name, bars: ids, run } of parts) {
    const start = performance.now();
    context.log(`${name} …`);
    try {
      await run(context, report);
    } catch (error) {
      report.failed(name, ids, error instanceof Error ? error.message.split('\n')[0] : String(error));
    } finally {
      await context.engines.closeAll();
    }
    report.seconds[name] = Math.round((performance.now() - start) / 1000);
    context.log(`${name}: ${report.seconds[name]} s`);
  }
}

const digits = (value) => {
  if (typeof value !== 'number') {
    return '';
  }
  const size = Math.abs(value);
  if (size !== 0 && size < 0.01) {
    return value.toExponential(2);
  }
  return value.toFixed(size < 10 ? 2 : size < 1000 ? 1 : 0);
};

const spread = (all) =>
  all === undefined || all.length < 2 ? '' : ` (${digits(Math.min(...all))} to ${digits(Math.max(...all))})`;

function what(row) {
  const of = row.tokens === undefined ? '' : ` ${row.tokens}`;
  const at = row.depth === undefined ? '' : `, depth ${row.depth}`;
  const threads = row.threads === undefined ? '' : `, ${row.threads} thread${row.threads === 1 ? '' : 's'}`;
  return `${row.what}${of}${at}${threads}${row.composed ? ' (composed)' : ''}`;
}

function remark(row) {
  const said = [
    row.settings,
    row.peerLoop !== undefined &&
      `llama.cpp alone ${digits(row.peerEngine)}, node-llama-cpp ${digits(row.peerLoop)}`,
    row.top1 !== undefined && `top-1 ${row.top1.toFixed(2)} %, where clear ${row.clearTop1.toFixed(2)} %`,
    row.limit !== undefined && `at most ${row.limit}: ${row.holds ? 'holds' : 'DOES NOT HOLD'}`,
  ];
  return said.filter(Boolean).join('; ');
}

export function printReport(report) {
  const { results, notes, kernels, peer, load, seconds } = report;
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  console.log(
    `${report.date}, ${report.cpu}, ${report.cores} cores, load ${load.map((one) => one.toFixed(1)).join(' to ')}; ` +
      `kernels ${kernels}; ${peer}; ${total} s\n`,
  );
  printRows([
    ['model', 'what', 'kernels', 'ours', 'llama.cpp', 'unit', 'ratio', 'settings (ours; llama.cpp), remarks'],
    ...results.map((row) => [
      row.model,
      what(row),
      row.kernels ?? '',
      `${digits(row.ours)}${spread(row.oursAll)}`,
      `${digits(row.peer)}${spread(row.peerAll)}`,
      row.unit,
      row.ratio === undefined ? '' : `${row.ratio.toFixed(2)}x`,
      remark(row),
    ]),
  ]);
  console.log('');
  printRows([
    ['bar', 'wanted', 'measured', 'holds', 'note'],
    ...report.bars.map(({ id, bar, atMost, unit, value, holds, note }) => [
      `\`${id}\``,
      `${atMost ? '≤' : '≥'} ${bar} ${unit}`,
      value === null ? '–' : `${digits(value)} ${unit}`,
      holds ? 'yes' : '**no**',
      note ?? '',
    ]),
  ]);
  for (const text of notes) {
    console.log(`\n${text}`);
  }
}
