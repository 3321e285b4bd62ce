/** What a process holds, from /proc (Linux); null elsewhere. */
import { readFileSync, writeFileSync } from 'node:fs';

const field = (status, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;

/** @returns {{ resident: number, peak: number } | null} bytes */
export function memory() {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return { resident: field(status, 'VmRSS'), peak: field(status, 'VmHWM') };
  } catch {
    return null;
  }
}

/** The peak counts from what the process holds now. */
export function resetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // The peak then counts from the process's start, which is never less: no figure gets better by that.
  }
}
