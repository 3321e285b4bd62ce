export function hunks(
  before: string,
  after: string,
): { readonly at: number; readonly removed: string; readonly added: string }[];
