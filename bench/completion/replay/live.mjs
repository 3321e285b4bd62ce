/**
 * Replays a recording against the real server, as VS Code would: a change for every key, a request a little later, the request before
 * taken back, the cursor told when it rests. In real time, or as fast as the answers come.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { Editor } from './editor.mjs';
import { isKey } from './format.mjs';

/** VS Code waits so long for another key before it asks anybody. */
const editorDebounceMs = 50;
/** Our client waits so long before it tells where the cursor is (client/src/features/cursor.ts). */
const cursorRestMs = 150;
/** Of keys that follow as soon as there is an answer, each so manieth does not wait for it. */
const rush = 7;
/** Later than that nobody answers any more. */
const longestAnswerMs = 30_000;

/** LSP's line and character of an offset. */
export function positionOf(text, offset) {
  let line = 0;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
    lineStart = at + 1;
  }
  return { line, character: offset - lineStart };
}

function offsetOf(text, { line, character }) {
  let at = 0;
  for (let i = 0; i < line; i += 1) {
    at = text.indexOf('\n', at) + 1;
  }
  return at + character;
}

const uriOf = (doc) => `file:///w/${doc}`;

export class LiveReplay {
  /**
   * Of every request, in order: { doc, after, key, ms, cut, item, why? }. `ms` until the answer; `cut`: it was taken back before, `ms` until
   * then, and `stoppedMs` more until it was answered all the same. `why`: what niwaki/why says of it, where the model was asked.
   */
  requests = [];
  editor;
  #client;
  #options;
  #versions = new Map();
  #current;
  #pending = new Set();
  #cursorTimer;
  #askTimer;

  /**
   * @param {object} client an LspClient of a server that is ready
   * @param {{ events: object[] }} recording
   * @param {{ realTime?: boolean, longestMs?: number, acceptShare?: number, seed?: number, phases?: boolean,
   *   onKey?: (keys: number, t: number) => Promise<void> | undefined }} [options]
   *   `realTime`: gaps as recorded, but for pauses, which are cut to `longestMs`; else the next key comes when the answer is there.
   */
  constructor(client, recording, options = {}) {
    this.#client = client;
    this.#options = { realTime: true, longestMs: Infinity, phases: true, ...options };
    this.editor = new Editor(recording, options);
  }

  async run() {
    const { realTime, longestMs, onKey } = this.#options;
    let due = performance.now();
    let last = 0;
    let keys = 0;
    for (let next = this.editor.upcoming; next !== undefined; next = this.editor.upcoming) {
      if (realTime) {
        // Where we are late ourselves, gaps stay as they are.
        due = Math.max(due + Math.min(next.t - last, longestMs), performance.now());
        await sleep(Math.max(0, due - performance.now()));
      }
      const now = realTime ? performance.now() : next.t;
      const { event, change, accepted } = this.editor.step(now);
      last = event.t;
      await this.#send(event, change, accepted);
      if (change !== undefined) {
        keys += 1;
        if (!realTime && keys % rush !== 0) {
          await this.#current?.answered;
        }
        await onKey?.(keys, event.t);
      }
    }
    await this.settle();
  }

  /** Until every request has its answer. Throws when one never gets any. */
  async settle() {
    clearTimeout(this.#askTimer);
    clearTimeout(this.#cursorTimer);
    const late = sleep(longestAnswerMs, 'late', { ref: false });
    if ((await Promise.race([Promise.all([...this.#pending]), late])) === 'late') {
      throw new Error(`${this.#pending.size} requests were not answered within ${longestAnswerMs / 1000} s`);
    }
  }

  async #send(event, change, accepted) {
    this.#takeBack();
    const { connection } = this.#client;
    const doc = this.editor.documents.shown;
    if (event.type === 'open') {
      this.#versions.set(doc, 1);
      await connection.sendNotification('textDocument/didOpen', {
        textDocument: { uri: uriOf(doc), languageId: event.language, version: 1, text: event.text },
      });
    } else if (event.type === 'close') {
      await connection.sendNotification('textDocument/didClose', { textDocument: { uri: uriOf(event.doc) } });
    }
    if (change !== undefined) {
      await this.#change(change);
      if (accepted || isKey(event)) {
        this.#askSoon(doc, accepted ? 'accepted' : 'key', event.t);
      }
    }
    clearTimeout(this.#cursorTimer);
    if (doc !== undefined && this.#options.realTime) {
      this.#cursorTimer = setTimeout(() => this.#tellCursor(doc), cursorRestMs);
    }
  }

  #change({ doc, at, gone, insert }) {
    const { text } = this.editor.documents.open.get(doc);
    const start = positionOf(text, at); // what stands before it is as it was
    const lines = gone.split('\n');
    const end = {
      line: start.line + lines.length - 1,
      character: lines.at(-1).length + (lines.length === 1 ? start.character : 0),
    };
    const version = this.#versions.get(doc) + 1;
    this.#versions.set(doc, version);
    return this.#client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri: uriOf(doc), version },
      contentChanges: [{ range: { start, end }, text: insert }],
    });
  }

  #tellCursor(doc) {
    const { text, cursor } = this.editor.documents.open.get(doc) ?? {};
    if (text !== undefined) {
      this.#client.cursor(uriOf(doc), positionOf(text, cursor)).catch(() => undefined);
    }
  }

  #askSoon(doc, after, t) {
    if (!this.#options.realTime) {
      this.#ask(doc, after, t);
      return;
    }
    this.#askTimer = setTimeout(() => this.#ask(doc, after, t), editorDebounceMs);
  }

  #takeBack() {
    clearTimeout(this.#askTimer);
    const { request, source, started } = this.#current ?? {};
    this.#current = undefined;
    if (request?.ms === undefined && source !== undefined) {
      request.cut = true;
      request.ms = performance.now() - started;
      source.cancel();
    }
  }

  #ask(doc, after, t) {
    const { text, cursor } = this.editor.documents.open.get(doc);
    const source = new CancellationTokenSource();
    const request = { doc, after, key: this.editor.figures.keys, cut: false };
    const started = performance.now();
    this.requests.push(request);
    const answered = this.#client
      .complete(uriOf(doc), positionOf(text, cursor), undefined, source.token)
      .then(
        (items) => this.#answered(request, started, { text, cursor }, items, t),
        (error) => {
          if (!request.cut) {
            throw error; // a server may reject what was cancelled, and nothing else
          }
          request.stoppedMs = performance.now() - started - request.ms;
        },
      )
      .finally(() => {
        source.dispose();
        this.#pending.delete(answered);
      });
    answered.catch(() => undefined); // settle() reports it
    this.#pending.add(answered);
    this.#current = { request, source, started, answered };
  }

  async #answered(request, started, { text, cursor }, [item], t) {
    const ms = performance.now() - started;
    if (request.cut) {
      request.stoppedMs = ms - request.ms;
      return;
    }
    request.ms = ms;
    request.item = item !== undefined;
    this.editor.show(
      item && {
        text: item.insertText,
        start: offsetOf(text, item.range.start),
        end: offsetOf(text, item.range.end),
      },
      this.#options.realTime ? performance.now() : t,
    );
    if (this.#options.phases) {
      await this.#phases(request, positionOf(text, cursor));
    }
  }

  /** How the server says that the answer came about. */
  async #phases(request, position) {
    const why = await this.#client.connection.sendRequest('niwaki/why');
    if (
      why?.by === 'run' &&
      why.position.line === position.line &&
      why.position.character === position.character
    ) {
      request.why = { times: why.times, tokens: why.tokens, decoded: why.decodedTokens };
    }
  }
}
