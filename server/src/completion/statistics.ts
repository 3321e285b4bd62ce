/**
 * Counts what becomes of suggestions, in memory only and for the user alone. What the editor tells is that an item was accepted as a
 * whole; what it does not tell is estimated from the documents' changes and named so (protocol/src/statistics.ts).
 */
import type { SuggestionStatistics } from '#protocol';
import type { CompletionRequest, Suggestion } from './snapshot';

export interface StatisticsOptions {
  /** A document as it is now; undefined = it is not open any more. */
  readonly textOf: (uri: string) => string | undefined;
  /** After it was accepted, before it is looked whether a suggestion still stands; 30,000 when absent. */
  readonly keptAfterMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** An item that was sent to the editor. */
interface Item {
  readonly uri: string;
  readonly offset: number;
  readonly version: number;
  /** What accepting it puts behind the cursor; undefined where it replaces text before it. */
  readonly ahead: string | undefined;
  readonly characters: number;
  /** Where its first line begins, the lines that accepting it makes, up to its end, and how often they stand in the document already. */
  readonly lineStart: number;
  readonly lines: string;
  readonly before: number;
  accepted: boolean;
}

const defaultKeptAfterMs = 30_000;
/** Nobody accepts older ones. */
const mostItems = 64;

function plain(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

function occurrences(text: string, wanted: string): number {
  let count = 0;
  if (wanted === '') {
    return count; // else it would be found for ever
  }
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    count += 1;
  }
  return count;
}

function zero(since: number): SuggestionStatistics {
  return {
    since,
    requested: 0,
    returned: 0,
    suggestions: 0,
    accepted: 0,
    acceptedCharacters: 0,
    lookedAt: 0,
    kept: 0,
    keptCharacters: 0,
    partlyAccepted: 0,
    partlyAcceptedCharacters: 0,
    typedToTheEnd: 0,
  };
}

export class Statistics {
  private counts: SuggestionStatistics;
  private readonly items = new Map<string, Item>();
  /** The last item of each document, as long as nothing else was asked for there. */
  private readonly last = new Map<string, Item>();
  /** The last ones that were sent for each document. */
  private readonly offered = new Map<string, readonly Item[]>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private made = 0;

  constructor(private readonly options: StatisticsOptions) {
    this.counts = zero(this.now());
  }

  snapshot(): SuggestionStatistics {
    return this.counts;
  }

  /** Begins anew; what was accepted before is not looked at any more. */
  clear(): void {
    this.dispose();
    this.items.clear();
    this.last.clear();
    this.offered.clear();
    this.counts = zero(this.now());
  }

  dispose(): void {
    for (const timer of this.timers) {
      clearTimeout(timer);
    }
    this.timers.clear();
  }

  /** The editor has asked for a suggestion. */
  requested({ document, offset }: CompletionRequest): void {
    this.add({ requested: 1 });
    const last = this.last.get(document.uri);
    this.last.delete(document.uri);
    if (last?.ahead === undefined || last.accepted) {
      return;
    }
    // So many changes have brought the cursor so far along the suggestion. A key that is typed is a change.
    const changes = document.version - last.version;
    const entered = plain(document.text.slice(last.offset, offset));
    if (changes < 1 || !last.ahead.startsWith(entered)) {
      return;
    }
    if (entered.length === changes) {
      this.add({ typedToTheEnd: entered === last.ahead ? 1 : 0 });
    } else if (entered.length > changes && entered !== last.ahead) {
      this.add({ partlyAccepted: 1, partlyAcceptedCharacters: entered.length - (changes - 1) });
    }
  }

  /** These are being sent to the editor, the first one to be shown. Returns their ids. */
  returned({ document, offset }: CompletionRequest, suggestions: readonly Suggestion[]): string[] {
    const { uri, version, text: whole } = document;
    const current = plain(whole);
    const items = suggestions.map(({ text, start, end }): Item => {
      const lineStart = whole.lastIndexOf('\n', start - 1) + 1;
      const lines = plain(whole.slice(lineStart, start) + text);
      return {
        uri,
        offset,
        version,
        ahead: start === offset ? plain(text) : undefined,
        characters: Math.max(0, text.length - (end - start)),
        lineStart,
        lines,
        before: occurrences(current, lines),
        accepted: false,
      };
    });
    const [first] = items;
    if (first === undefined) {
      return [];
    }
    // While a suggestion is typed along, or taken back, what would become of its lines stays the same.
    const known = this.offered.get(uri) ?? [];
    const isNew = ({ lineStart, lines }: Item): boolean =>
      !known.some((old) => old.lineStart === lineStart && old.lines === lines);
    this.add({ returned: 1, suggestions: items.filter(isNew).length });
    this.offered.set(uri, items);
    this.last.set(uri, first);
    return items.map((item) => this.remember(item));
  }

  private remember(item: Item): string {
    this.made += 1;
    const id = String(this.made);
    this.items.set(id, item);
    if (this.items.size > mostItems) {
      this.items.delete(this.items.keys().next().value as string);
    }
    return id;
  }

  /** The editor says that the item was accepted. One that is not known, or has been accepted already, is ignored. */
  accepted(id: string): void {
    const item = this.items.get(id);
    if (item === undefined) {
      return;
    }
    this.items.delete(id);
    item.accepted = true;
    this.add({ accepted: 1, acceptedCharacters: item.characters });
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.lookAt(item);
    }, this.options.keptAfterMs ?? defaultKeptAfterMs);
    timer.unref();
    this.timers.add(timer);
  }

  /** A document was closed. */
  forget(uri: string): void {
    this.last.delete(uri);
    this.offered.delete(uri);
  }

  private lookAt({ uri, lines, before, characters }: Item): void {
    const text = this.options.textOf(uri);
    if (text === undefined) {
      return;
    }
    const kept = occurrences(plain(text), lines) > before;
    this.add({ lookedAt: 1, kept: kept ? 1 : 0, keptCharacters: kept ? characters : 0 });
  }

  private add(amounts: Partial<SuggestionStatistics>): void {
    const counts: Record<string, number> = { ...this.counts };
    for (const [name, amount] of Object.entries(amounts)) {
      counts[name] = (counts[name] ?? 0) + amount;
    }
    this.counts = counts as unknown as SuggestionStatistics;
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}
