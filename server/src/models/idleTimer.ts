/** Tells when nobody has used something for a while. Sleeps in one timer that never keeps the process awake or alive. */
export class IdleTimer {
  private timer: NodeJS.Timeout | undefined;
  private afterMs = 0;
  private lastUse = performance.now();

  constructor(private readonly onIdle: () => void) {}

  /** 0 = never. */
  setAfter(ms: number): void {
    this.afterMs = ms;
    this.sleep(ms);
  }

  /** Cheap: keystrokes do not move the timer, it looks at the clock when it fires. */
  touch(): void {
    this.lastUse = performance.now();
    if (this.timer === undefined) {
      this.sleep(this.afterMs);
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private sleep(ms: number): void {
    this.stop();
    if (this.afterMs > 0) {
      this.timer = setTimeout(() => {
        this.wake();
      }, ms);
      this.timer.unref();
    }
  }

  private wake(): void {
    this.timer = undefined;
    const left = this.lastUse + this.afterMs - performance.now();
    if (left > 1) {
      this.sleep(left);
    } else {
      this.onIdle();
    }
  }
}
