/** Where names are defined: asked of the editor's language features, and remembered as long as the same would be asked again. */
import type { AskedName, TextPosition } from './names';

export interface DefinitionPlace {
  readonly uri: string;
  /** From 0, the end not included. A place that is only a name has one line. */
  readonly startLine: number;
  readonly endLine: number;
}

export interface DefinitionAnswer {
  /** One list for each position. */
  readonly places: readonly (readonly DefinitionPlace[])[];
  /** Whether all were answered in time: a language server that is still starting answers later. */
  readonly complete: boolean;
}

/** Undefined when nobody can say. `version`: the document must still be of it. */
export type AskDefinitions = (
  uri: string,
  version: number,
  positions: readonly TextPosition[],
  signal: AbortSignal,
) => Promise<DefinitionAnswer | undefined>;

export interface Defined {
  readonly asked: AskedName;
  readonly place: DefinitionPlace;
}

interface Known {
  readonly defined: readonly Defined[];
  readonly complete: boolean;
  /** When to ask again what was not answered in time, and how long to wait behind that. Milliseconds. */
  readonly retryAt: number;
  readonly delay: number;
}

const mostKnown = 32;
/** A language server that is just starting is asked again soon, one that is always late now and then. */
const firstDelay = 1_000;
const longestDelay = 60_000;

export class Definitions {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly ask: AskDefinitions,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether it is time to ask again what was not answered in time. */
  isDue(key: string): boolean {
    const known = this.known.get(key);
    return known !== undefined && !known.complete && this.now() >= known.retryAt;
  }

  /** `key` names the region that the names are of: with the same key and names, the answer is taken to be the same. */
  async find(
    key: string,
    document: { readonly uri: string; readonly version: number },
    names: readonly AskedName[],
    signal: AbortSignal,
  ): Promise<readonly Defined[]> {
    if (names.length === 0) {
      return [];
    }
    const known = this.known.get(key);
    if (known !== undefined && !this.isDue(key)) {
      return known.defined;
    }
    const answer = await this.ask(document.uri, document.version, names, signal).catch(() => undefined);
    if (answer === undefined || signal.aborted) {
      return known?.defined ?? [];
    }
    const answered = names.flatMap((asked, i) => (answer.places[i] ?? []).map((place) => ({ asked, place })));
    // Another time the first positions may be the ones that were too late.
    const defined =
      known !== undefined && !answer.complete && known.defined.length > answered.length
        ? known.defined
        : answered;
    const delay = known === undefined ? firstDelay : Math.min(2 * known.delay, longestDelay);
    this.known.delete(key);
    this.known.set(key, { defined, complete: answer.complete, retryAt: this.now() + delay, delay });
    if (this.known.size > mostKnown) {
      this.known.delete(this.known.keys().next().value as string);
    }
    return defined;
  }

  clear(): void {
    this.known.clear();
  }
}
