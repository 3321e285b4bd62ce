/** The parent's end of a child that answers requests over IPC (llama.mjs, ../engine/ours.mjs). */
import { fork } from 'node:child_process';

/** One child. Requests are answered in order; all fail when the child ends. */
export class Child {
  #process;
  #waiting = new Map();
  #lastId = 0;
  #ended;

  /**
   * @param {string} script
   * @param {string[]} [args]
   * @param {{ execArgv?: string[], cwd?: string, env?: NodeJS.ProcessEnv }} [options]
   */
  constructor(script, args = [], options = {}) {
    // "advanced" carries typed arrays as they are; rows of logits would take minutes as JSON.
    this.#process = fork(script, args, { execArgv: [], serialization: 'advanced', ...options });
    this.#process.on('message', ({ id, value, error }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) {
        waiting?.resolve(value);
      } else {
        waiting?.reject(new Error(error));
      }
    });
    this.#process.on('error', (error) => this.#fail(error));
    this.#process.on('exit', (code, signal) => this.#fail(new Error(`${script} ended (${signal ?? code})`)));
  }

  #fail(error) {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) {
      reject(error);
    }
    this.#waiting.clear();
  }

  /** @returns {Promise<any>} */
  ask(op, values = {}) {
    if (this.#ended !== undefined) {
      return Promise.reject(this.#ended);
    }
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, op, ...values });
    });
  }

  /** Ends the child in its own time, or by force after a while. */
  async close() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
      return;
    }
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await this.ask('dispose').catch(() => undefined);
    if (this.#process.connected) {
      this.#process.disconnect();
    }
    await ended;
    clearTimeout(timer);
  }
}
