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
  tries: number;
}

const mostKnown = 32;
/** What is not answered by then is not asked for again with the same names. */
const mostTries = 4;

export class Definitions {
  private readonly known = new Map<string, Known>();

  constructor(private readonly ask: AskDefinitions) {}

  /** Whether asking once more may tell more. */
  isComplete(key: string): boolean {
    const known = this.known.get(key);
    return known === undefined || known.complete || known.tries >= mostTries;
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
    if (known !== undefined && (known.complete || known.tries >= mostTries)) {
      return known.defined;
    }
    const answer = await this.ask(document.uri, document.version, names, signal).catch(() => undefined);
    if (answer === undefined || signal.aborted) {
      return known?.defined ?? [];
    }
    const defined = names.flatMap((asked, i) => (answer.places[i] ?? []).map((place) => ({ asked, place })));
    this.known.delete(key);
    this.known.set(key, { defined, complete: answer.complete, tries: (known?.tries ?? 0) + 1 });
    if (this.known.size > mostKnown) {
      this.known.delete(this.known.keys().next().value as string);
    }
    return defined;
  }

  clear(): void {
    this.known.clear();
  }
}
