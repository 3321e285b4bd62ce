/** What a file's header says of a model, in the words of the registry and of the catalogue. */
import { basename } from 'node:path';
import type { FileSummary } from '../../engine';
import { headerForms } from '../../prompt';
import { shownText } from '../../util/shownText';
import type { FileFacts } from './catalogue';

export interface FormatShare {
  readonly type: string;
  readonly tensors: number;
  readonly bytes: number;
}

function numberOf(text: string | undefined): number {
  const value = Number(text ?? NaN);
  return Number.isFinite(value) && value >= 0 ? value : 0;
}

export function architectureOf({ metadata }: FileSummary): string {
  return shownText(metadata['general.architecture'] ?? '', 60);
}

/** A number that the architecture's own key says, e.g. `qwen3.context_length`; 0 = none. */
export function headerNumber(summary: FileSummary, key: string): number {
  const architecture = summary.metadata['general.architecture'] ?? '';
  return numberOf(summary.metadata[`${architecture}.${key}`]);
}

export function factsOf(path: string, summary: FileSummary): FileFacts {
  return {
    fileName: basename(path),
    bytes: summary.fileBytes,
    name: shownText(summary.metadata['general.name'] ?? ''),
    architecture: architectureOf(summary),
    parameters: summary.tensors.reduce(
      (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    ),
  };
}

/** By the bytes they take, the largest first. */
export function formatsOf({ tensors }: FileSummary): readonly FormatShare[] {
  const types = new Map<string, FormatShare>();
  for (const { type, bytes } of tensors) {
    const sum = types.get(type) ?? { type, tensors: 0, bytes: 0 };
    types.set(type, { type, tensors: sum.tensors + 1, bytes: sum.bytes + bytes });
  }
  return [...types.values()].sort((a, b) => b.bytes - a.bytes);
}

export function hasChatTemplate({ metadata }: FileSummary): boolean {
  return metadata['tokenizer.chat_template'] !== undefined;
}

/** The key in the header that says how the model fills in, and how; undefined = it says nothing. */
export function namedForm({ metadata }: FileSummary): { readonly key: string; readonly name: string } | undefined {
  const [first] = headerForms(metadata);
  return first && { key: first.key, name: first.form.name };
}

/** Of `NAME-00002-of-00005.gguf` the 5; 1 where the name says nothing of parts. */
export function partsOf(path: string): number {
  return Number(/-\d{5}-of-(\d{5})\.gguf$/i.exec(path)?.[1] ?? 1);
}
