export function timePerKey(
  taken: {
    readonly profile: object;
    readonly keys: readonly number[];
    readonly ended: number;
  },
  root: string,
): number[];
