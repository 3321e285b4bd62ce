/** What the parts hand in: bars and tables. */
import { partsNamed, runParts, TableReport } from '../support/report.mjs';
import { bars } from './bars.mjs';

export { runParts };

export class Report extends TableReport {
  constructor(owed = bars) {
    super(owed);
  }
}

/** The parts that options name. "prefix" is a benchmark of its own: it is never among "all". */
export function chooseParts(parts, only, part) {
  const wanted = [...(only ?? []), ...(part === undefined ? [] : [part])];
  if (wanted.includes('prefix') && wanted.length > 1) {
    throw new Error('The part "prefix" is measured alone: it has bars of its own.');
  }
  const named = partsNamed(parts, wanted);
  return wanted.length === 0 ? named.filter(({ name }) => name !== 'prefix') : named;
}
