import type { RecordedEvent } from './format.mjs';

export class Typist {
  constructor(seed: number);
  readonly events: readonly RecordedEvent[];
  readonly keys: number;
  get text(): string;
  get cursor(): number;
  get now(): number;
  openFile(doc: string, language: string, text: string): void;
  goTo(to: number): void;
  erase(length: number): void;
  type(text: string): void;
}
