/** What the parts of a benchmark hand in, and what is common to showing it. */
import { judgeBars } from './bars.mjs';
import { printRows } from './table.mjs';

export class BarReport {
  notes = [];
  seconds = {};
  #owed;
  #measured = {};

  /** @param {Record<string, object>} owed the bars, by id */
  constructor(owed) {
    this.#owed = owed;
  }

  bar(id, value, note) {
    if (!Object.hasOwn(this.#owed, id)) {
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
    return judgeBars(this.#owed, this.#measured);
  }
}

/** With tables, by name; each benchmark knows how its own are shown. */
export class TableReport extends BarReport {
  tables = {};
}

/** The parts that were asked for by name; all where none was. Throws where there is none of a name. */
export function partsNamed(parts, names = []) {
  const unknown = names.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no part "${unknown}"; there are ${parts.map(({ name }) => name).join(', ')}.`);
  }
  return names.length === 0 ? parts : parts.filter(({ name }) => names.includes(name));
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
      await context.engines?.closeAll();
    }
    report.seconds[name] = Math.round((performance.now() - start) / 1000);
    context.log(`${name}: ${report.seconds[name]} s`);
  }
}

/** When and where it was measured, as a line; `more` is what only this benchmark has to say. */
export function printHead({ date, cpu, cores, load, seconds }, ...more) {
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  const loads = load.map((one) => one.toFixed(1)).join(' to ');
  console.log([`${date}, ${cpu}, ${cores} cores, load ${loads}`, ...more, `${total} s`].join('; '));
}

/** @param {(value: number) => string} digits */
export function printBars({ bars, notes }, digits) {
  console.log('');
  printRows([
    ['bar', 'wanted', 'measured', 'holds', 'note'],
    ...bars.map(({ id, bar, atMost, unit, value, holds, note }) => [
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
