/** Syntax as the rest of the server asks for it. Everything also works without a grammar, by rules. */
import type { Log } from '../util/log';
import {
  chunksByIndentation,
  chunksOfTree,
  defaultChunkOptions,
  type Chunk,
  type ChunkOptions,
} from './chunks';
import { faultsOf, type Fault } from './faults';
import { Grammars } from './grammars';
import { traitsOf } from './languages';
import { namesOfModule, type ModuleNames } from './modules';
import { namesInTree, placeInTree, type NameUse, type PlaceSyntax, type TextRange } from './names';
import { kindInTree, opensBlock } from './nodes';
import { parseInSlices } from './parsing';
import { scopeOf, type Scope } from './scope';
import { largestParsed, Trees, type SourceText } from './trees';
import type { Tree } from '@vscode/tree-sitter-wasm';

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

  /** Where a name is used. Undefined where there is no tree of this text. */
  async namesIn(document: SourceText, name: string): Promise<readonly NameUse[] | undefined> {
    const tree = await this.trees.treeOf(document).catch(() => undefined);
    return tree && namesInTree(tree, document.text, name);
  }

  /** What stands at places, in their order. Undefined where there is no tree of this text. */
  async placesIn(
    document: SourceText,
    places: readonly TextRange[],
  ): Promise<readonly PlaceSyntax[] | undefined> {
    const tree = await this.trees.treeOf(document).catch(() => undefined);
    return tree && places.map((place) => placeInTree(tree, place));
  }

  /** Pieces that cover the whole text, in order. */
  async chunksOf(
    text: string,
    languageId: string,
    options: ChunkOptions = defaultChunkOptions,
  ): Promise<Chunk[]> {
    const lines = text.split('\n').length;
    const chunks = await this.parsed(text, languageId, (tree) => chunksOfTree(tree, lines, options));
    return chunks ?? chunksByIndentation(text, options);
  }

  /** What breaks the language's rules; undefined where there is no grammar for it, or the text is too large. */
  faultsOf(text: string, languageId: string): Promise<Fault[] | undefined> {
    return this.parsed(text, languageId, faultsOf);
  }

  /** What a module imports, exports and names; undefined where the text is no TypeScript or JavaScript, or too large. */
  moduleOf(text: string, languageId: string): Promise<ModuleNames | undefined> {
    return this.parsed(text, languageId, namesOfModule);
  }

  /** What `read` makes of the text's tree; undefined where there is none. */
  private async parsed<T>(text: string, languageId: string, read: (tree: Tree) => T): Promise<T | undefined> {
    const { grammar } = traitsOf(languageId);
    if (grammar === undefined || text.length > largestParsed) {
      return undefined;
    }
    const language = await this.grammars.language(grammar);
    if (language === undefined) {
      return undefined;
    }
    const parser = await this.grammars.parser(language);
    try {
      const tree = await parseInSlices(parser, text, undefined, () => false);
      const result = tree && read(tree);
      tree?.delete();
      return result;
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
