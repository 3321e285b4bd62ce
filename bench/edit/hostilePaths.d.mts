/** Types of hostilePaths.mjs. */
export interface CheckedPath {
  readonly path: string;
  readonly uri: string;
  readonly exists: boolean;
  readonly problem: string;
}

export const hostilePaths: readonly {
  readonly kind: string;
  readonly path: string;
  readonly allowed: boolean;
}[];
export const hostilePlans: readonly {
  readonly kind: string;
  readonly paths: readonly string[];
  readonly allowed: number;
}[];

export function runHostilePaths(
  check: (paths: readonly string[], folders: readonly string[]) => Promise<readonly CheckedPath[]>,
): Promise<{ readonly cases: number; readonly harm: readonly string[]; readonly wrong: readonly string[] }>;
