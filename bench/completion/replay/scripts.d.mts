import type { Recording } from './format.mjs';

interface Options {
  readonly keys?: number;
  readonly seconds?: number;
  readonly seed: number;
  readonly title: string;
  readonly source: string;
}

export function editSittings(
  sittings: Iterable<{
    readonly name: string;
    readonly files: readonly { readonly path: string; readonly before: string; readonly after: string }[];
  }>,
  options: Options,
): Recording;
export function fillIn(path: string, text: string, options: Options & { readonly keys: number }): Recording;
