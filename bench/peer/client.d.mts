import type { ForkOptions } from 'node:child_process';

export class Child {
  constructor(script: string, args?: readonly string[], options?: ForkOptions);
  ask(op: string, values?: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): Promise<void>;
}
