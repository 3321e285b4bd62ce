/**
 * Whether the machine runs on its battery. The system is asked only when somebody wants to know, and not again for a while: no
 * timer, no process that waits. Where there is no cheap way to ask (Windows, machines without a battery) the answer is no.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const suppliesFolder = '/sys/class/power_supply';
/** Nobody plugs and unplugs more often. */
const believedMs = 30_000;

/**
 * Linux: a mains supply that is online means no; otherwise a system battery that discharges means yes. Batteries of mice and
 * headsets (scope "Device") say nothing about the machine. See Documentation/ABI/testing/sysfs-class-power of the kernel.
 */
export async function linuxOnBattery(folder = suppliesFolder): Promise<boolean> {
  const read = async (supply: string, file: string): Promise<string> =>
    (await readFile(join(folder, supply, file), 'utf8').catch(() => '')).trim();
  const supplies = await readdir(folder).catch(() => []);
  let discharging = false;
  for (const supply of supplies) {
    const type = await read(supply, 'type');
    if ((type === 'Mains' || type === 'USB') && (await read(supply, 'online')) === '1') {
      return false;
    }
    if (type === 'Battery' && (await read(supply, 'scope')) !== 'Device') {
      discharging ||= (await read(supply, 'status')) === 'Discharging';
    }
  }
  return discharging;
}

/** macOS: the first line of `pmset -g batt` names the source of power. */
export function pmsetSaysBattery(output: string): boolean {
  return output.includes("drawing from 'Battery Power'");
}

async function macOnBattery(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('/usr/bin/pmset', ['-g', 'batt'], { timeout: 1000 }, (_error, stdout) => {
      resolve(pmsetSaysBattery(stdout));
    });
  });
}

function askSystem(): Promise<boolean> {
  switch (process.platform) {
    case 'linux':
      return linuxOnBattery();
    case 'darwin':
      return macOnBattery();
    default:
      return Promise.resolve(false);
  }
}

/** Remembers the last answer for half a minute. */
export class PowerSource {
  private answer: Promise<boolean> | undefined;
  private asked = -Infinity;

  constructor(
    private readonly ask: () => Promise<boolean> = askSystem,
    private readonly now: () => number = () => performance.now(),
  ) {}

  onBattery(): Promise<boolean> {
    if (this.answer === undefined || this.now() - this.asked > believedMs) {
      this.asked = this.now();
      this.answer = this.ask().catch(() => false);
    }
    return this.answer;
  }
}
