/** What masks.mjs leaves, for people. */
import { printRows } from '../support/table.mjs';

const digits = (value) => value.toFixed(2);

/** By the name under which the part leaves its table. */
export const printers = {
  masks({ rows, wrong }) {
    console.log("\nTool calls under masks, judged by another library with the tools' own schemas.\n");
    printRows([
      ['model', 'right', 'tokens', 'of which said ahead', 'waited for masks, ms a token'],
      ...rows.map(({ model, right, count, tokens, forced, waitMs }) => [
        model,
        `${right} of ${count}`,
        String(tokens),
        String(forced),
        digits(waitMs / tokens),
      ]),
    ]);
    console.log('');
    printRows([
      ['tokens that it gets', ...rows.map(({ model }) => model)],
      ...rows[0].byBudget.map(([name]) => [
        name,
        ...rows.map(({ byBudget }) => {
          const { right = 0, calls: made = 0 } = byBudget.find(([other]) => other === name)?.[1] ?? {};
          return `${right} of ${made}`;
        }),
      ]),
    ]);
    wrong.slice(0, 20).forEach((line) => console.log(`\n- ${line}`));
  },
  maskCost({ rows, pairs }) {
    console.log('\nWhat masks cost: the worker alone, and an answer with and without them.\n');
    printRows([
      [
        'vocabulary',
        'prepared, ms',
        'grammar, ms',
        'masks',
        'half within, ms',
        '95 % within, ms',
        'mean, ms',
        'most, ms',
      ],
      ...rows.map((row) => [
        String(row.vocabulary),
        digits(row.vocabularyMs),
        digits(row.grammarMs),
        String(row.steps),
        ...[row.p50, row.p95, row.mean, row.most].map(digits),
      ]),
    ]);
    console.log('');
    printRows([
      ['rounds', 'without, ms a token', 'with, ms a token', 'of which waited', 'added'],
      [String(pairs.rounds), ...[pairs.bare, pairs.masked, pairs.wait, pairs.added].map(digits)],
    ]);
  },
};
