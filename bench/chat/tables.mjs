/** The report for people: Markdown tables. */
import { printBars, printHead } from '../support/report.mjs';
import { printers as maskPrinters } from './maskTables.mjs';
import { printRows } from '../support/table.mjs';

/** At most so many of a list of what went wrong. */
const shown = 20;

function printList(lines) {
  for (const line of lines.slice(0, shown)) {
    console.log(`\n- ${line}`);
  }
  if (lines.length > shown) {
    console.log(`\n- and ${lines.length - shown} more`);
  }
}

function printRender({ rows, conversations, differences }) {
  console.log(`\nPrompts of ${conversations} conversations against those of Python's Jinja2.\n`);
  printRows([
    ['template', 'equal', 'refused by both', 'different', 'tokens equal', 'tokens'],
    ...rows.map(({ name, equal, refused, different, tokensEqual, tokens }) => [
      name,
      ...[equal, refused, different, tokensEqual, tokens].map(String),
    ]),
  ]);
  printList(differences);
}

function printHostilePrompt({ rows, failures }) {
  console.log(
    '\nTexts that want to be more than text, in every place of a prompt. "unguarded": of those in a user\'s message, how many would have changed the prompt had it been encoded as one text.\n',
  );
  printRows([
    ['mechanism', 'prompts', 'changed', 'unguarded'],
    ...rows.map(({ mechanism, tried, failed, unguarded }) => [
      mechanism,
      ...[tried, failed, unguarded].map(String),
    ]),
  ]);
  printList(failures);
}

function printTurns({ rows, real }) {
  console.log(
    `\nWhat of each prompt was computed, in tokens (a real server, random weights, ${real ? "Qwen's vocabulary" : 'a synthetic vocabulary'}).\n`,
  );
  printRows([
    ['template', 'turn', 'prompt', 'computed', 'at the most'],
    ...rows.map(({ template, name, prompt, evaluated, most }) => [
      ...[template, name],
      ...[prompt, evaluated, most].map(String),
    ]),
  ]);
}

function printPage({ rows }) {
  console.log('\nThe page while an answer comes in, in pieces 30 times a second.\n');
  printRows(rows);
}

/** By the name under which a part leaves its table. */
const printers = {
  ...maskPrinters,
  render: printRender,
  hostilePrompt: printHostilePrompt,
  page: printPage,
  turns: printTurns,
};

export function printReport(report) {
  printHead(report);
  for (const [name, print] of Object.entries(printers)) {
    if (report.tables[name] !== undefined) {
      print(report.tables[name]);
    }
  }
  printBars(report, (value) => (Number.isInteger(value) ? String(value) : value.toFixed(2)));
}
