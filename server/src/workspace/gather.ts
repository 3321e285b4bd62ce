/** What could be shown beside a place in a document, scored. Reads files where the editor names them; waits for nothing else. */
import type { Definitions } from './definitions';
import type { ReadFile } from './ignore/ignoreRules';
import type { IgnoreRules } from './ignore/ignoreRules';
import { namesToAsk } from './names';
import type { Chunker, ContextPart, ContextSource, LineBlock } from './part';
import type { RecentDocuments, RecentText } from './recentDocuments';
import type { RecentEdits } from './recentEdits';
import { blockAt } from './text/blocks';
import { identifiersOf, similarity } from './text/identifiers';
import { isWrittenByPeople, joinLines, linesOf } from './text/lines';

/** A place in a document, and the region that is taken for the function that it is in. */
export interface Surroundings {
  readonly uri: string;
  readonly path: string;
  readonly languageId: string;
  readonly version: number;
  readonly lines: readonly string[];
  readonly cursorLine: number;
  readonly region: LineBlock;
  /** Tells this region from others of the document; stays when lines are typed elsewhere. */
  readonly regionKey: string;
}

export interface GatherOptions {
  readonly documents: RecentDocuments;
  readonly edits: RecentEdits;
  readonly definitions: Definitions;
  readonly rules: IgnoreRules;
  readonly read: ReadFile;
  readonly chunker: Chunker;
}

/** Lines around the cursor that say what it is about. */
const linesAround = 30;
/** Lines of one part, and its characters. */
const mostLines = 40;
const mostCharacters = 4_000;
const mostFileBytes = 512 * 1024;
/** Blocks of one file. */
const mostOfImport = 2;
const mostOfOpen = 3;
const mostCached = 32;

interface Block extends LineBlock {
  readonly text: string;
  readonly names: ReadonlySet<string>;
}

interface Source {
  readonly uri: string;
  readonly path: string;
  readonly languageId: string;
  readonly text: string;
}

/** Lets whoever else has something to do go first: comparing texts takes a millisecond here and there. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** The share of a diff's names that occur around the cursor. It is so short that Jaccard's measure would always call it unlike. */
function containment(part: ReadonlySet<string>, whole: ReadonlySet<string>): number {
  const shared = [...part].filter((name) => whole.has(name)).length;
  return part.size === 0 ? 0 : shared / part.size;
}

/** Names around the cursor: of its region, at most so many lines of it, and of a few lines more where it is short. */
function namesAround({ lines, cursorLine, region }: Surroundings): ReadonlySet<string> {
  const from = Math.max(cursorLine - linesAround, Math.min(region.startLine, cursorLine - 10), 0);
  const to = Math.min(cursorLine + linesAround, Math.max(region.endLine, cursorLine + 10));
  return identifiersOf(lines.slice(from, to).join('\n'));
}

export class Gatherer {
  /** By URI. */
  private readonly blocks = new Map<string, { readonly text: string; readonly blocks: readonly Block[] }>();

  constructor(private readonly options: GatherOptions) {}

  /** Forgets all texts. */
  clear(): void {
    this.blocks.clear();
  }

  /** Forgets the text of a document that was closed. */
  forget(uri: string): void {
    this.blocks.delete(uri);
  }

  /** The scores: a definition 2 and more, what an import names 1 and more, all else up to 1, by its likeness to the cursor's region. */
  async candidates(place: Surroundings, signal: AbortSignal): Promise<readonly ContextPart[]> {
    const wanted = namesAround(place);
    const open = this.options.documents.textsFor(place.uri);
    const found: ContextPart[] = [...this.editsNear(place, open, wanted)];
    for (const { asked, place: where } of await this.defined(place, signal)) {
      const source = where.uri === place.uri ? undefined : await this.sourceOf(where.uri, place.uri, open);
      if (source !== undefined) {
        const blocks = await this.blocksOf(source);
        found.push(
          ...(asked.kind === 'module'
            ? this.likest(source, blocks, wanted, 'import', 1, mostOfImport)
            : this.definition(source, blocks, where, wanted)),
        );
      }
    }
    for (const source of open) {
      await breathe();
      if (signal.aborted) {
        return [];
      }
      const kind = source.edited ? 'edited' : 'open';
      found.push(...this.likest(source, await this.blocksOf(source), wanted, kind, 0, mostOfOpen));
    }
    return found;
  }

  private async defined(place: Surroundings, signal: AbortSignal): ReturnType<Definitions['find']> {
    const names = namesToAsk(place.lines, place.region, place.cursorLine);
    return this.options.definitions.find(definitionsKey(place), place, names, signal);
  }

  /** A file that the editor has named: its text in the editor, else on disk. Only of the document's own workspace folder. */
  private async sourceOf(
    uri: string,
    beside: string,
    open: readonly RecentText[],
  ): Promise<Source | undefined> {
    const { documents, rules, read } = this.options;
    const known = open.find((text) => text.uri === uri);
    if (known !== undefined) {
      return known;
    }
    const located = documents.locate(uri);
    if (
      located === undefined ||
      !uri.startsWith('file:') ||
      located.folder.uri !== documents.groupOf(beside) ||
      documents.live(uri) !== undefined || // it is open, and not among what may be shown
      (await rules.verdict(located)) !== undefined
    ) {
      return undefined;
    }
    const text = await read(located, mostFileBytes);
    return text === undefined || !isWrittenByPeople(text)
      ? undefined
      : { uri, path: located.path, languageId: '', text };
  }

  private async blocksOf(source: Source): Promise<readonly Block[]> {
    const known = this.blocks.get(source.uri);
    if (known?.text === source.text) {
      return known.blocks;
    }
    const lines = linesOf(source.text);
    const blocks = (await this.options.chunker(source)).map(({ startLine, endLine }): Block => {
      const text = joinLines(lines.slice(startLine, endLine));
      return { startLine, endLine, text, names: identifiersOf(text) };
    });
    this.blocks.delete(source.uri);
    this.blocks.set(source.uri, { text: source.text, blocks });
    if (this.blocks.size > mostCached) {
      this.blocks.delete(this.blocks.keys().next().value as string);
    }
    return blocks;
  }

  private likest(
    source: Source,
    blocks: readonly Block[],
    wanted: ReadonlySet<string>,
    kind: ContextSource,
    base: number,
    most: number,
  ): readonly ContextPart[] {
    return blocks
      .map((block) => ({ block, likeness: similarity(block.names, wanted) }))
      .filter(({ likeness }) => likeness > 0)
      .sort((a, b) => b.likeness - a.likeness)
      .slice(0, most)
      .flatMap(({ block, likeness }) => part(source, linesOf(source.text), block, kind, base + likeness));
  }

  private definition(
    source: Source,
    blocks: readonly Block[],
    { startLine, endLine }: LineBlock,
    wanted: ReadonlySet<string>,
  ): readonly ContextPart[] {
    const lines = linesOf(source.text);
    if (startLine >= lines.length) {
      return []; // the file on disk is not the one that the editor knows
    }
    // A place of one line may be the definition's name alone.
    const block = endLine - startLine > 1 ? { startLine, endLine } : blockAt(blocks, startLine);
    const begins = Math.max(block.startLine, startLine - mostLines / 2);
    const shown = { startLine: begins, endLine: Math.min(block.endLine, lines.length) };
    const names = identifiersOf(joinLines(lines.slice(shown.startLine, shown.endLine)));
    return part(source, lines, shown, 'definition', 2 + similarity(names, wanted));
  }

  private editsNear(
    { uri, path, region }: Surroundings,
    open: readonly RecentText[],
    wanted: ReadonlySet<string>,
  ): readonly ContextPart[] {
    return this.options.edits.all().flatMap((edit): ContextPart[] => {
      const { startLine, added } = edit.change;
      const endLine = startLine + Math.max(1, added.length);
      const own = edit.uri === uri;
      const file = own ? path : open.find((text) => text.uri === edit.uri)?.path;
      const here = own && startLine < region.endLine && endLine > region.startLine;
      const score = containment(identifiersOf(edit.diff), wanted);
      return file === undefined || here || score === 0
        ? []
        : [{ path: file, text: edit.diff, startLine, endLine, source: 'recentEdit', score }];
    });
  }
}

/** With the same key the same would be asked. */
export function definitionsKey({ uri, lines, region, cursorLine }: Surroundings): string {
  const names = namesToAsk(lines, region, cursorLine).map(({ name }) => name);
  return [uri, ...names.sort()].join('\n');
}

/** The lines as a part, without blank ones at its ends. None when nothing is left, or its lines are too long for a source file's. */
function part(
  { path }: Source,
  lines: readonly string[],
  block: LineBlock,
  source: ContextSource,
  score: number,
): readonly ContextPart[] {
  let { startLine } = block;
  let endLine = Math.min(block.endLine, startLine + mostLines);
  while (startLine < endLine && lines[startLine]?.trim() === '') {
    startLine += 1;
  }
  while (endLine > startLine && lines[endLine - 1]?.trim() === '') {
    endLine -= 1;
  }
  const text = joinLines(lines.slice(startLine, endLine));
  return text === '' || text.length > mostCharacters
    ? []
    : [{ path, text, startLine, endLine, source, score }];
}
