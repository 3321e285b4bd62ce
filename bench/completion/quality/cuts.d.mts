export type CutKind = 'rest' | 'next';
export interface SourceFile {
  readonly source: string;
  /** VS Code's language id. */
  readonly language: string;
  readonly path: string;
  readonly file: string;
  readonly text: string;
}
export interface Cut extends Omit<SourceFile, 'text'> {
  readonly kind: CutKind;
  /** UTF-16 units into `text`, and into the file. */
  readonly offset: number;
  readonly lineEnd: number;
  /** From 1. */
  readonly line: number;
  /** The file without the rest of the cursor's line. */
  readonly text: string;
  readonly expected: string;
  readonly follows: string;
}
export const kinds: readonly CutKind[];
export function random(seed: string): () => number;
export function makeCuts(files: readonly SourceFile[], kind: CutKind, count: number, seed?: string): Cut[];
