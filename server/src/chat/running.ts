/**
 * The text of an answer while it is written: taken in token by token, given out thirty times a second, and kept twice a second so that a
 * killed server loses no more than that.
 */
export type AnswerPart = 'thinking' | 'text';

export interface RunningAnswerEvents {
  /** More of a part: it follows its first `at` UTF-16 units. */
  readonly onText: (
    part: AnswerPart,
    at: number,
    text: string,
    tokens: number,
    tokensPerSecond: number,
  ) => void;
  readonly onKeep: (thinking: string, text: string) => void;
}

const showEveryMs = 33;
const keepEveryMs = 500;
/** Fewer tokens say nothing about the speed. */
const fewTokens = 4;

export class RunningAnswer {
  private readonly parts: Record<AnswerPart, string>;
  private readonly shown: Record<AnswerPart, number>;
  private timer: NodeJS.Timeout | undefined;
  private lastShown = -Infinity;
  private lastKept = performance.now();
  private firstAt = 0;
  private tokens = 0;

  constructor(
    private readonly events: RunningAnswerEvents,
    begun: { readonly thinking: string; readonly text: string } = { thinking: '', text: '' },
  ) {
    this.parts = { ...begun };
    this.shown = { thinking: begun.thinking.length, text: begun.text.length };
  }

  get thinking(): string {
    return this.parts.thinking;
  }

  get text(): string {
    return this.parts.text;
  }

  /** What a token adds. */
  take(pieces: readonly { readonly part: AnswerPart; readonly text: string }[]): void {
    this.tokens += 1;
    this.firstAt ||= performance.now();
    this.add(pieces);
  }

  add(pieces: readonly { readonly part: AnswerPart; readonly text: string }[]): void {
    for (const { part, text } of pieces) {
      this.parts[part] += text;
    }
    this.showSoon();
    const now = performance.now();
    if (now - this.lastKept >= keepEveryMs) {
      this.lastKept = now;
      this.events.onKeep(this.parts.thinking, this.parts.text);
    }
  }

  /** Gives out what has not been. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastShown = performance.now();
    for (const part of ['thinking', 'text'] as const) {
      const at = this.shown[part];
      const text = this.parts[part].slice(at);
      if (text !== '') {
        this.shown[part] = this.parts[part].length;
        this.events.onText(part, at, text, this.tokens, this.speed());
      }
    }
  }

  /** Gives out nothing more. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private speed(): number {
    const seconds = (performance.now() - this.firstAt) / 1000;
    return this.tokens < fewTokens || seconds <= 0 ? 0 : (this.tokens - 1) / seconds;
  }

  private showSoon(): void {
    const wait = this.lastShown + showEveryMs - performance.now();
    if (wait <= 0) {
      this.flush();
    } else {
      this.timer ??= setTimeout(() => {
        this.flush();
      }, wait);
    }
  }
}
