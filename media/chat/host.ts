/** The way to the extension host, and the page's own memory. */
import { readHostMessage, type HostMessage, type PageMessage } from '../../protocol/src/chatPage';
import { readTexts, type PageTexts, type TextName } from '../../protocol/src/chatTexts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

const api = acquireVsCodeApi();
let requests = 0;

export function post(message: PageMessage): void {
  api.postMessage(message);
}

/** A number that no other request has. */
export function nextRequest(): number {
  requests += 1;
  return requests;
}

/** How long what is kept outside the page may lag behind. */
const keepAfterMs = 1_000;
let keeping: number | undefined;
let unkept: unknown;

/**
 * What saveState was given, in this page or in one before it: as VS Code has it, and as the extension host has it. Either may be older: where a
 * window ends too soon, VS Code has what was there when it last looked.
 */
export function savedStates(): readonly unknown[] {
  let kept: unknown;
  try {
    kept = JSON.parse(document.body.dataset['saved'] ?? '');
  } catch {
    kept = undefined;
  }
  return [api.getState(), kept];
}

export function saveState(state: unknown): void {
  api.setState(state);
  unkept = state;
  keeping ??= window.setTimeout(keepNow, keepAfterMs);
}

/** Does not wait: the page may be gone in a moment. */
export function keepNow(): void {
  if (keeping !== undefined) {
    window.clearTimeout(keeping);
    keeping = undefined;
    post({ kind: 'keep', state: JSON.stringify(unkept) });
  }
}

/** VS Code hands messages on from a window above this one; others have no business here. */
export function listen(onMessage: (message: HostMessage) => void): void {
  window.addEventListener('message', (event) => {
    const message = readHostMessage(event.data);
    if (message !== undefined) {
      onMessage(message);
    }
  });
}

const texts: PageTexts = readTexts(document.body.dataset['texts'] ?? '');

/** A text in the user's language, with what is to be filled in for {0}, {1}, … */
export function say(name: TextName, ...values: readonly (string | number)[]): string {
  return texts[name].replace(/\{(\d)\}/g, (_, index: string) => String(values[Number(index)] ?? ''));
}

const language = document.documentElement.lang || 'en';
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

export function sayNumber(value: number): string {
  return numbers.format(value);
}

export function sayTime(at: number): string {
  const date = new Date(at);
  const today = new Date().toDateString() === date.toDateString();
  return date.toLocaleString(language, today ? { timeStyle: 'short' } : { dateStyle: 'medium' });
}
