/** What the parts hand in: bars and tables. */
import { BarReport, runParts } from '../support/report.mjs';
import { bars } from './bars.mjs';

export { runParts };

export class Report extends BarReport {
  /** By name; tables.mjs knows how each is shown. */
  tables = {};

  constructor(owed = bars) {
    super(owed);
  }
}

/** The parts that options name. "prefix" is a benchmark of its own: it is never among "all". */
export function chooseParts(parts, only, part) {
  const wanted = [...(only ?? []), ...(part === undefined ? [] : [part])];
  const unknown = wanted.find((name) => !parts.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no part "${unknown}"; there are ${parts.map(({ name }) => name).join(', ')}.`);
  }
  if (wanted.includes('prefix') && wanted.length > 1) {
    throw new Error('The part "prefix" is measured alone: it has bars of its own.');
  }
  return parts.filter(({ name }) => (wanted.length === 0 ? name !== 'prefix' : wanted.includes(name)));
}
