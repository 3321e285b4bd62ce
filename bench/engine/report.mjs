/** What the parts hand in, and how it is shown. */
import { BarReport, printBars, printHead, runParts } from '../support/report.mjs';
import { printRows } from '../support/table.mjs';
import { bars } from './bars.mjs';

export { runParts };

export class Report extends BarReport {
  results = [];

  constructor() {
    super(bars);
  }

  row(row) {
    this.results.push(row);
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
  printHead(report, `kernels ${report.kernels}`, report.peer);
  console.log('');
  printRows([
    ['model', 'what', 'kernels', 'ours', 'llama.cpp', 'unit', 'ratio', 'settings (ours; llama.cpp), remarks'],
    ...report.results.map((row) => [
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
  printBars(report, digits);
}
