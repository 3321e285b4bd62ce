/** What the worker is given: a constraint as text, equal for equal constraints, so that it can be kept by. */
import type { Constraint } from '../port';

export function toProgram({ grammar, jump = true }: Constraint): string {
  return JSON.stringify({ grammar, jump });
}

export function fromProgram(program: string): Required<Constraint> {
  return JSON.parse(program) as Required<Constraint>;
}
