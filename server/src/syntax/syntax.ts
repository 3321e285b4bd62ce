/** Syntax as the rest of the server asks for it. Everything also works without a grammar, by rules. */
import type { Log } from '../util/log';
import {
  chunksByIndentation,
  chunksOfTree,
  defaultChunkOptions,
  type Chunk,
  type ChunkOptions,
} from './chunks';
import { Grammars } from './grammars';
import { traitsOf } from './languages';
import { kindInTree, opensBlock } from './nodes';
import { parseInSlices } from './parsing';
import { scopeOf, type Scope } from './scope';
import { largestParsed, Trees, type SourceText } from './trees';

/** How long a keystroke waits for the tree of its text. Most take a millisecond; a file that was just opened goes by the rules. */
const waitMs = 12;

/** Undefined when `promise` has not resolved within `ms`. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export class Syntax {
  private readonly grammars: Grammars;
  private readonly trees: Trees;

  constructor(
    /** Of tree-sitter.js and the grammars (dist/syntax of the built extension). */
    folder: string,
    log: Log,
  ) {
    this.grammars = new Grammars(folder, log);
    this.trees = new Trees(this.grammars);
  }

  /** `ms`: how long to wait for a tree at most; the parsing goes on behind that. */
  async scopeAt(document: SourceText, offset: number, ms = waitMs): Promise<Scope> {
    const tree = await within(this.trees.treeOf(document), ms).catch(() => undefined);
    return scopeOf(
      document.languageId,
      document.text,
      offset,
      tree && { kind: kindInTree(tree, offset), opensBlock: (at) => opensBlock(tree, at) },
    );
  }

  /** Pieces that cover the whole text, in order. */
  async chunksOf(
    text: string,
    languageId: string,
    options: ChunkOptions = defaultChunkOptions,
  ): Promise<Chunk[]> {
    const { grammar } = traitsOf(languageId);
    if (grammar === undefined || text.length > largestParsed) {
      return chunksByIndentation(text, options);
    }
    const language = await this.grammars.language(grammar);
    if (language === undefined) {
      return chunksByIndentation(text, options);
    }
    const parser = await this.grammars.parser(language);
    try {
      const tree = await parseInSlices(parser, text, undefined, () => false);
      if (tree === undefined) {
        return chunksByIndentation(text, options);
      }
      const chunks = chunksOfTree(tree, text.split('\n').length, options);
      tree.delete();
      return chunks;
    } finally {
      parser.delete();
    }
  }

  /** Frees what is kept for a document. */
  forget(uri: string): void {
    this.trees.forget(uri);
  }

  dispose(): void {
    this.trees.dispose();
  }
}
