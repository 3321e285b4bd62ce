/** What `niwaki kv-doctor` makes of its measurements: the tables, and the advice. */
import type { KvCodec, KvLayerStatistics, KvQuality } from '../engine';

/** One codec of one model. */
export interface CodecReport {
  readonly codec: KvCodec;
  /** Layers that keep 8 bits under it. */
  readonly careful: readonly number[];
  /** That a value of a key or value takes, scales and careful layers included. */
  readonly bits: number;
  readonly bytesPerToken: number;
  readonly bytesAt8k: number;
  readonly bytesAt32k: number;
  readonly quality: KvQuality;
}

/** What a codec must keep to be recommended. Where half precision itself is undecided, either token is as good. */
export const bar = { meanKl: 0.01, top1Clear: 0.99 };
const barInWords =
  `a mean KL of at most ${String(bar.meanKl)}, and the same likeliest token in at least ${String(bar.top1Clear * 100)} % of ` +
  'the positions at which the two best logits of half precision differ by 0.1 or more';
/** Fewer positions say little about the rare ones. */
const enoughPositions = 1000;

function passes({ quality }: CodecReport): boolean {
  return quality.meanKl <= bar.meanKl && quality.top1Clear >= bar.top1Clear;
}

function nameOf({ codec, careful }: CodecReport): string {
  return careful.length === 0 ? codec : `${codec} careful`;
}

export function carefulInWords(careful: readonly number[], layers: number): string {
  const all = `of ${String(layers)} layers`;
  switch (careful.length) {
    case 0:
      return `Careful layers: none ${all} has to be, kv4 is as good as half precision where that is decided.`;
    case 1:
      return `Careful layers: ${String(careful[0])} ${all} keeps 8 bits a value under codecs of fewer.`;
    default:
      return `Careful layers: ${careful.join(', ')} ${all} keep 8 bits a value under codecs of fewer.`;
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

export interface Advice {
  readonly codec: KvCodec;
  readonly careful: readonly number[];
  readonly words: string;
}

/** The smallest codec over the bar. `reports` begin with f16 and go on to the smallest, which is over it by definition. */
export function advise(reports: readonly [CodecReport, ...CodecReport[]]): Advice {
  const smallestFirst = [...reports].reverse();
  const at = smallestFirst.findIndex(passes);
  const chosen = smallestFirst[at] ?? reports[0];
  const smaller = smallestFirst[at - 1];
  const { codec, careful } = chosen;
  const figures = ({ quality }: CodecReport): string =>
    `mean KL ${quality.meanKl.toFixed(5)}, the same likeliest token in ${percent(quality.top1Clear)}`;
  const words =
    codec === 'f16'
      ? [`No compressed cache stays close enough to half precision here (that would be ${barInWords}).`]
      : [`${nameOf(chosen)} is the smallest with ${barInWords}: ${figures(chosen)}.`];
  if (smaller !== undefined) {
    words.push(`The next smaller one, ${nameOf(smaller)}, is not as close: ${figures(smaller)}.`);
  }
  const measured = reports.find((report) => report.codec !== 'f16')?.quality.positions ?? 0;
  words.push(
    `This rests on ${measured.toLocaleString('en-US')} positions, and is about this model file and this text.`,
  );
  if (measured < enoughPositions) {
    words.push(`That is few: a text of some thousand tokens would say more.`);
  }
  return { codec, careful, words: words.join(' ') };
}

/** Columns as wide as their widest cell, the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`.trimEnd(),
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(2)} KiB`;
}

/** "where clear": the same token among the positions at which half precision itself is not undecided. */
const qualityColumns = ['mean KL', '99.9 % KL', 'same token', 'where clear', 'perplexity'];

function qualityCells({ meanKl, p999Kl, top1, top1Clear, perplexity, perplexityF16 }: KvQuality): string[] {
  const change = (perplexity / perplexityF16 - 1) * 100;
  return [
    meanKl.toFixed(5),
    p999Kl.toFixed(4),
    percent(top1),
    percent(top1Clear),
    `${change >= 0 ? '+' : ''}${change.toFixed(2)} %`,
  ];
}

export function codecTable(reports: readonly CodecReport[]): string[] {
  return table([
    ['codec', 'bits a value', 'a token', 'at 8k', 'at 32k', ...qualityColumns, 'positions'],
    ...reports.map((report) => [
      nameOf(report),
      report.bits.toFixed(2),
      kibibytes(report.bytesPerToken),
      mebibytes(report.bytesAt8k),
      mebibytes(report.bytesAt32k),
      ...qualityCells(report.quality),
      String(report.quality.positions),
    ]),
  ]);
}

export function calibrationTable(calibrated: KvQuality, norms: KvQuality): string[] {
  return table([
    ['kv4', ...qualityColumns],
    ['calibrated on a text', ...qualityCells(calibrated)],
    ["by the model's norms alone", ...qualityCells(norms)],
  ]);
}

export function layerTable(layers: readonly KvLayerStatistics[]): string[] {
  return table([
    ['layer', 'mean', 'loudest channel', 'scaled'],
    ...layers.map(({ meanRatio, channelRatio, scaledRatio }, i) => [
      String(i),
      percent(meanRatio),
      `${channelRatio.toFixed(1)} x`,
      `${scaledRatio.toFixed(1)} x`,
    ]),
  ]);
}
