/** What a prompt may show besides the file itself. Plain data: it could cross a process border. */

/**
 * Where a part comes from, what changes least first: the definition of a name near the cursor, a module that the file imports, a file
 * that is open, one that was edited lately, and an edit as a small diff.
 */
export const contextSources = ['definition', 'import', 'open', 'edited', 'recentEdit'] as const;
export type ContextSource = (typeof contextSources)[number];

export interface ContextPart {
  /** In the workspace folder, with forward slashes. */
  readonly path: string;
  /** Whole lines, each ended by '\n'. Of a recent edit: the lines of a unified diff. */
  readonly text: string;
  /** Lines of the file that the text was when it was taken: from 0, the end not included. */
  readonly startLine: number;
  readonly endLine: number;
  readonly source: ContextSource;
  /** Higher is more useful; comparable within one plan. */
  readonly score: number;
}

/** The parts for one document, in the order in which a prompt shows them. The object is a new one only when the parts are others. */
export interface ContextPlan {
  /** The workspace folder's name, '' = none. */
  readonly repository: string;
  /** Of the document that the plan is for. */
  readonly languageId: string;
  readonly parts: readonly ContextPart[];
}

/** Lines of a text: from 0, the end not included. */
export interface LineBlock {
  readonly startLine: number;
  readonly endLine: number;
}

/**
 * Cuts a text into blocks that belong together (a function, a declaration, a paragraph), in order, together the whole text, and
 * small enough to be shown as one part.
 */
export type Chunker = (document: {
  readonly path: string;
  /** '' = not known: the file is not open. */
  readonly languageId: string;
  readonly text: string;
}) => readonly LineBlock[] | Promise<readonly LineBlock[]>;
