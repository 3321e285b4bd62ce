/** The report for people: Markdown tables. */
import { printBars, printHead } from '../support/report.mjs';
import { printRows } from '../support/table.mjs';

/** At most so many of a list of what went wrong. */
const shown = 20;

/** A part hands in `{ title, rows, list }`: what stands above its table, the rows with their head, and what went wrong. */
function printTable({ title, rows, list = [] }) {
  console.log(`\n${title}\n`);
  printRows(rows);
  for (const line of list.slice(0, shown)) {
    console.log(`\n- ${line}`);
  }
  if (list.length > shown) {
    console.log(`\n- and ${list.length - shown} more`);
  }
}

const digits = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(2));

export function printReport(report) {
  printHead(report, report.quick ? 'quick' : 'in full');
  for (const table of Object.values(report.tables)) {
    printTable(table);
  }
  printBars(report, digits);
}
