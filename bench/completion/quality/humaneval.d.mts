export interface Problem {
  readonly text: string;
  readonly offset: number;
  readonly expected: string;
  /** Of a filled text, something that ends without an error when it is right. */
  readonly program: (text: string) => string;
}
export interface Said {
  readonly text: string;
  /** Offset up to which it replaces what is there; absent = it replaces nothing. */
  readonly end?: number;
}
export interface PassRates {
  readonly problems: number;
  readonly broken: number;
  readonly needless: number;
  readonly used: number;
  readonly predictors: Readonly<Record<string, { readonly passed: number; readonly exact: number }>>;
}
export function passAt1(
  problems: readonly Problem[],
  run: (program: string) => Promise<boolean>,
  predictors: Readonly<Record<string, (problem: Problem) => Promise<Said>>>,
): Promise<PassRates>;
