/** Time that goes on when it is told to. Timers of the bundle (core.mjs) go by it while it is installed. */
export class FakeClock {
  now = 0;
  #timers = new Set();
  #order = 0;
  #before;

  install() {
    this.#before = globalThis.niwakiReplayTimers;
    globalThis.niwakiReplayTimers = this;
  }

  uninstall() {
    globalThis.niwakiReplayTimers = this.#before;
  }

  setTimeout = (run, ms = 0, ...args) => {
    this.#order += 1;
    const timer = { at: this.now + Math.max(1, ms), order: this.#order, run: () => run(...args) };
    timer.ref = () => timer;
    timer.unref = () => timer;
    this.#timers.add(timer);
    return timer;
  };

  clearTimeout = (timer) => {
    this.#timers.delete(timer);
  };

  /** Goes on to `until`; behind every timer that is due on the way `settle` is waited for. */
  async advance(until, settle) {
    for (;;) {
      const due = [...this.#timers]
        .filter(({ at }) => at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) {
        break;
      }
      this.#timers.delete(due);
      this.now = due.at;
      due.run();
      await settle();
    }
    this.now = Math.max(this.now, until);
  }
}
