/** Errors, compared: which of them a change has added. Pure. */

export interface Problem {
  /** From 0. */
  readonly line: number;
  readonly message: string;
  /** What the language calls it; '' = nothing. */
  readonly code: string;
}

const keyOf = ({ code, message }: Problem): string => `${code} ${message}`;

/** Those of `after` that are more than before: places move, so what counts is what is said, and how often. The last ones of a kind are taken for the new ones. */
export function addedProblems(before: readonly Problem[], after: readonly Problem[]): readonly Problem[] {
  const known = new Map<string, number>();
  for (const problem of before) {
    known.set(keyOf(problem), (known.get(keyOf(problem)) ?? 0) + 1);
  }
  return after.filter((problem) => {
    const left = known.get(keyOf(problem)) ?? 0;
    known.set(keyOf(problem), left - 1);
    return left <= 0;
  });
}

/** Of several sources: what two say of one line in the same words is said once. */
export function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ line, message }) => {
    const key = `${String(line)} ${message}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
