import type { Value } from './values';

/** Names and what they mean, inner before outer. */
export class Scope {
  private readonly names = new Map<string, Value>();

  constructor(private readonly outer?: Scope) {}

  set(name: string, value: Value): void {
    this.names.set(name, value);
  }

  get(name: string): Value {
    return this.names.has(name) ? this.names.get(name) : this.outer?.get(name);
  }
}
