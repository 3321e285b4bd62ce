import { stripVTControlCharacters } from 'node:util';

const mostLines = 150;

/**
 * What a suite said of its failures, to be read without the thousands of lines between: mocha's lists (a suite may run several
 * mochas), each from its "N failing" to what comes behind it, what VS Code's own suites mark with ✘, and the C++ programs in which a
 * case failed; or how it ended.
 */
export function failures(output) {
  const lines = stripVTControlCharacters(output).trimEnd().split('\n');
  const shown = [];
  let left = 0;
  for (const line of lines) {
    if (/^ +\d+ failing$|^ +✘ |^\w+_test: \d+ passed, [1-9]\d* failed /.test(line)) {
      left = mostLines;
    } else if (
      /^ +\d+ passing\b|^ +✔ |^ {2}VS Code: |^Exit code: |^\d+ passed, \d+ failed$|^\w+_test: |^=== /.test(
        line,
      )
    ) {
      left = 0;
    }
    if (left > 0) {
      shown.push(line);
      left -= 1;
    }
  }
  return (shown.length > 0 ? shown : lines.slice(-mostLines)).join('\n');
}
