/** When a server that has crashed is started again. */

const mostCrashes = 4;
const windowMs = 3 * 60_000;

export class CrashPolicy {
  private crashes: number[] = [];

  /** Notes a crash at `now` (milliseconds); false when there were too many lately. */
  mayRestart(now: number): boolean {
    this.crashes = [...this.crashes.filter((at) => now - at < windowMs), now];
    return this.crashes.length <= mostCrashes;
  }

  reset(): void {
    this.crashes = [];
  }
}
