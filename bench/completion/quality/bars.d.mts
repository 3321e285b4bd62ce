export const qualityBars: Readonly<Record<string, { readonly bar: number; readonly unit: string }>>;
