/** The syntax trees of the documents that are being edited, kept in step with their texts. */
import type { Parser, Tree } from '@vscode/tree-sitter-wasm';
import type { Grammars } from './grammars';
import { traitsOf } from './languages';
import { editBetween, parseInSlices } from './parsing';

export interface SourceText {
  readonly uri: string;
  readonly languageId: string;
  readonly text: string;
}

/** Characters. Larger files get the indentation rules: their trees take tens of megabytes. */
export const largestParsed = 1_000_000;
/** As many files as there are sessions of the engine. */
const mostTrees = 8;

interface Entry {
  readonly grammar: string;
  readonly parser: Parser;
  tree: Tree | undefined;
  /** What `tree` was parsed from. */
  text: string;
  /** The latest text that a tree was asked for. */
  wanted: string;
  running: Promise<void> | undefined;
  /** It took too long, or failed: no further attempt is made. */
  givenUp: boolean;
  freed: boolean;
}

export class Trees {
  /** In order of use, the latest last. */
  private readonly entries = new Map<string, Promise<Entry | undefined>>();

  constructor(private readonly grammars: Grammars) {}

  /**
   * The tree of this text. Undefined where there is no grammar, where the text is too large or parsing it takes too long, and where a
   * newer text came before it was done. It is valid until the next text of the document is given, or `forget`.
   */
  async treeOf({ uri, languageId, text }: SourceText): Promise<Tree | undefined> {
    const { grammar } = traitsOf(languageId);
    if (grammar === undefined || text.length > largestParsed) {
      return undefined;
    }
    const entry = await this.acquire(uri, grammar);
    if (entry === undefined) {
      return undefined;
    }
    entry.wanted = text;
    while (!entry.freed && !entry.givenUp && entry.wanted === text) {
      if (entry.tree !== undefined && entry.text === text) {
        return entry.tree;
      }
      // What runs is not stopped: the next tree goes on from it, and somebody who types fast would never get one.
      entry.running ??= this.parse(entry, text);
      await entry.running;
    }
    return undefined;
  }

  forget(uri: string): void {
    const entry = this.entries.get(uri);
    this.entries.delete(uri);
    void entry?.then((found) => {
      if (found !== undefined) {
        free(found);
      }
    });
  }

  dispose(): void {
    for (const uri of [...this.entries.keys()]) {
      this.forget(uri);
    }
  }

  private async acquire(uri: string, grammar: string): Promise<Entry | undefined> {
    const known = this.entries.get(uri);
    if (known !== undefined && (await known)?.grammar !== grammar) {
      this.forget(uri); // the file has changed its language, or there is no parser for it
    }
    const entry = this.entries.get(uri) ?? this.open(grammar);
    this.entries.delete(uri);
    this.entries.set(uri, entry);
    if (this.entries.size > mostTrees) {
      this.forget(this.entries.keys().next().value as string);
    }
    return entry;
  }

  private async open(grammar: string): Promise<Entry | undefined> {
    const language = await this.grammars.language(grammar);
    if (language === undefined) {
      return undefined;
    }
    const parser = await this.grammars.parser(language);
    return {
      grammar,
      parser,
      tree: undefined,
      text: '',
      wanted: '',
      running: undefined,
      givenUp: false,
      freed: false,
    };
  }

  private async parse(entry: Entry, text: string): Promise<void> {
    const base = entry.tree?.copy();
    try {
      base?.edit(editBetween(entry.text, text));
      const tree = await parseInSlices(entry.parser, text, base, () => entry.freed);
      if (entry.freed) {
        tree?.delete();
        return;
      }
      entry.tree?.delete();
      entry.tree = tree;
      entry.text = text;
      entry.givenUp = tree === undefined;
    } catch {
      entry.givenUp = true; // the parser ran out of its memory
    } finally {
      base?.delete();
      entry.running = undefined;
      if (entry.freed) {
        entry.parser.delete();
      }
    }
  }
}

function free(entry: Entry): void {
  entry.freed = true;
  entry.tree?.delete();
  entry.tree = undefined;
  if (entry.running === undefined) {
    entry.parser.delete(); // otherwise when the parsing notices
  }
}
