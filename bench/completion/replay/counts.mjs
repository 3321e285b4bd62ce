/**
 * Replays a recording with a fake clock in this process: every answer is there before the next key, and everything that the server
 * does in idle time has the time that the recording leaves it. Prompts show the file alone. What comes out are counts that do not depend on the machine's speed.
 */
import { loadCore, openCompleter } from './core.mjs';
import { Editor } from './editor.mjs';
import { FakeClock } from './fakeClock.mjs';
import { isKey } from './format.mjs';

/** As live.mjs has them. */
const editorDebounceMs = 50;
const cursorRestMs = 150;
/** As the product's default setting. */
const maxTokens = 64;

class Counting {
  editor;
  clock = new FakeClock();
  /** Prompt tokens computed for requests, the first one of each document apart. */
  computed = 0;
  first = 0;
  errors = [];
  #completer;
  #warmUp;
  #engine;
  #versions = new Map();
  #asked = new Set();
  #controller;
  #gate;
  #askTimer;
  #cursorTimer;

  constructor(core, { engine, host, completer }, recording, options) {
    this.editor = new Editor(recording, options);
    this.#completer = completer;
    this.#engine = engine;
    this.#gate = core.defaultGate;
    this.#warmUp = new core.WarmUp({ host, completer, mayWork: () => Promise.resolve(true) });
  }

  async run() {
    this.clock.install();
    try {
      for (let next = this.editor.upcoming; next !== undefined; next = this.editor.upcoming) {
        await this.clock.advance(next.t, () => this.#settle());
        const { event, change, accepted } = this.editor.step(this.clock.now);
        this.clock.now = Math.max(this.clock.now, event.t); // a suggestion that was taken saves its time
        await this.#happened(event, change, accepted);
      }
      await this.clock.advance(this.clock.now + 1000, () => this.#settle());
    } finally {
      this.#warmUp.dispose();
      this.clock.uninstall();
    }
  }

  async #happened(event, change, accepted) {
    this.#controller?.abort();
    this.clock.clearTimeout(this.#askTimer);
    this.clock.clearTimeout(this.#cursorTimer);
    const doc = this.editor.documents.shown;
    if (event.type === 'close') {
      this.#asked.delete(event.doc);
      await this.#completer.forget(event.doc);
    }
    if (event.type === 'open') {
      this.#warmUp.expect(() => this.#place(doc, undefined));
    }
    if (change !== undefined) {
      this.#versions.set(doc, (this.#versions.get(doc) ?? 1) + 1);
      this.#warmUp.touch();
      if (accepted || isKey(event)) {
        this.#askTimer = this.clock.setTimeout(() => this.#ask(doc), editorDebounceMs);
      }
    }
    if (doc !== undefined) {
      this.#cursorTimer = this.clock.setTimeout(
        () => this.#warmUp.expect(() => this.#place(doc, this.editor.documents.open.get(doc)?.cursor)),
        cursorRestMs,
      );
    }
    await this.#settle();
  }

  #snapshot(doc) {
    const { text, language } = this.editor.documents.open.get(doc);
    return { uri: doc, path: doc, languageId: language, version: this.#versions.get(doc) ?? 1, text };
  }

  #place(doc, offset) {
    return this.editor.documents.open.has(doc)
      ? { document: this.#snapshot(doc), offset, maxTokens }
      : undefined;
  }

  #ask(doc) {
    const { cursor } = this.editor.documents.open.get(doc);
    const controller = new AbortController();
    this.#controller = controller;
    this.#warmUp.touch();
    const before = this.#completer.counters.snapshot().tokensEvaluated;
    this.#completer
      .complete(
        { document: this.#snapshot(doc), offset: cursor, maxTokens, minConfidence: this.#gate },
        controller.signal,
      )
      .then((item) => {
        if (!controller.signal.aborted) {
          this.editor.show(item, this.clock.now);
        }
      })
      .catch((error) => {
        if (!controller.signal.aborted) {
          this.errors.push(String(error?.stack ?? error));
        }
      })
      .finally(() => {
        const computed = this.#completer.counters.snapshot().tokensEvaluated - before;
        if (this.#asked.has(doc)) {
          this.computed += computed;
        } else {
          this.first += computed;
        }
        this.#asked.add(doc);
      });
  }

  /** Until nothing is under way but what waits for the clock. */
  async #settle() {
    for (let quiet = 0; quiet < 3; quiet = this.#engine.busy === 0 ? quiet + 1 : 0) {
      await new Promise(setImmediate);
    }
  }
}

/**
 * @param {object} parts the product's: { root, addonPath, selfTestChild }
 * @param {{ events: object[] }[]} recordings
 * @param {{ modelPath: string, acceptShare?: number, seed?: number, log?: (text: string) => void }} options
 */
export async function countReplays(parts, recordings, { modelPath, log, ...options }) {
  const core = await loadCore(parts.root);
  const opened = await openCompleter(core, { ...parts, modelPath });
  const rows = [];
  try {
    for (const recording of recordings) {
      const before = opened.completer.counters.snapshot();
      const counting = new Counting(core, opened, recording, options);
      await counting.run();
      const after = opened.completer.counters.snapshot();
      const counters = Object.fromEntries(
        Object.keys(after).map((name) => [name, after[name] - before[name]]),
      );
      const { computed, first, errors, editor } = counting;
      rows.push({ title: recording.title, ...editor.figures, computed, first, errors, counters });
      log?.(`counts: ${recording.title}, ${editor.figures.keys} keys`);
    }
  } finally {
    await opened.engine.dispose();
  }
  return rows;
}
