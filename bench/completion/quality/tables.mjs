/** Shows what the part "quality" found. */
import { printRows } from '../../support/table.mjs';

const percent = (share) => (share === null ? '–' : (100 * share).toFixed(1));
const range = ([low, high]) => `${percent(low)} to ${percent(high)}`;

const isPeer = ({ predictor }) => predictor.startsWith('peer');

const titles = {
  rest: 'The rest of the line, the cursor anywhere in it',
  next: 'A whole line, the cursor behind its indentation',
};

function printKind(kind, rows) {
  if (rows.length === 0) {
    return;
  }
  console.log(
    `\n${titles[kind]}: ${rows[0].cuts} cursors; percent. "@": of the surest part of all cursors.\n`,
  );
  printRows([
    [
      'predictor',
      'exact',
      '95 %',
      'similarity',
      'shown',
      'confirmed',
      '@10',
      '@20',
      '@30',
      '@50',
      'exact @20',
    ],
    ...rows.map((row) => [
      ...[row.predictor, percent(row.exact), range(row.interval), percent(row.similarity)],
      ...[percent(row.coverage), percent(row.precision)],
      // The peer says nothing of how sure it is.
      ...['0.1', '0.2', '0.3', '0.5'].map((at) => (isPeer(row) ? '–' : percent(row.confirmedAt[at]))),
      isPeer(row) ? '–' : percent(row.exactAt['0.2']),
    ]),
  ]);
}

function printSources(rows) {
  console.log('\nThe whole product by source, the rest of the line.\n');
  printRows([
    ['source', 'cursors', 'exact', '95 %', 'confirmed @20'],
    ...rows.map((row) => [
      ...[row.source, String(row.cuts), percent(row.exact), range(row.interval)],
      percent(row.confirmedAt['0.2']),
    ]),
  ]);
}

function printHumanEval(rows) {
  console.log(
    '\nHumanEval: suggestions put in and run. Problems that pass empty, or do not with their own solution, are left out.\n',
  );
  printRows([
    ['language', 'what', 'problems', 'left out', 'predictor', 'pass@1', 'exact'],
    ...rows.flatMap((row) =>
      Object.entries(row.predictors).map(([name, { passed, exact }]) => [
        ...[row.language, row.what, String(row.used), String(row.broken + row.needless), name],
        ...[percent(passed / row.used), percent(exact / row.used)],
      ]),
    ),
  ]);
}

export function printQuality({ rows = [], bySource = [], humanEval = [] }) {
  for (const kind of Object.keys(titles)) {
    printKind(
      kind,
      rows.filter((row) => row.kind === kind),
    );
  }
  if (bySource.length > 0) {
    printSources(bySource);
  }
  if (humanEval.length > 0) {
    printHumanEval(humanEval);
  }
}
