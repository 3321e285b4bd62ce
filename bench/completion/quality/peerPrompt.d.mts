export interface Place {
  readonly earlier: string;
  readonly line: string;
  readonly behind: string;
}
export interface Part {
  readonly control?: string;
  readonly text?: string;
  readonly prefix?: string;
  readonly suffix?: string;
}
export const ends: readonly string[];
export function around(cut: { readonly text: string; readonly offset: number }): Place;
export const forms: Readonly<Record<string, (place: Place, path: string) => Part[]>>;
export function fitted(
  parts: readonly (Part & { readonly tokens: readonly number[] })[],
  room: number,
): number[];
