export function plainCopy(
  text: string,
  offset: number,
): { readonly text: string; readonly confidence: number; readonly match: number };
