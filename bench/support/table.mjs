/** Prints rows of text as a Markdown table; the first one is the head. */
export function printRows(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`);
    if (row === rows[0]) {
      console.log(`| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
    }
  }
}
