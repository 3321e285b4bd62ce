/** What the parts hand in: bars and tables. */
import { bars, judge } from './bars.mjs';

export class Report {
  /** By name; tables.mjs knows how each is shown. */
  tables = {};
  notes = [];
  seconds = {};
  #measured = {};

  bar(id, value, note) {
    if (!Object.hasOwn(bars, id)) {
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
    return judge(this.#measured);
  }
}

/** The parts that options name. "prefix" is another benchmark's, and not there. */
export function chooseParts(parts, only, part) {
  const wanted = [...(only ?? []), ...(part === undefined ? [] : [part])];
  if (wanted.includes('prefix')) {
    throw new Error('The part "prefix" (reuse of saved prefixes) is not measured by this version.');
  }
  const unknown = wanted.find((name) => !parts.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no part "${unknown}"; there are ${parts.map(({ name }) => name).join(', ')}.`);
  }
  return wanted.length === 0 ? parts : parts.filter(({ name }) => wanted.includes(name));
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
    }
    report.seconds[name] = Math.round((performance.now() - start) / 1000);
    context.log(`${name}: ${report.seconds[name]} s`);
  }
}
