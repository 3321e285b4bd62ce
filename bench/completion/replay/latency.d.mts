export function quantile(
  times: readonly { readonly ms: number; readonly cut: boolean }[],
  share: number,
): number;
