/** "Inspect" as text: what a model is, what it takes, how fast it is on this machine. */
import type { MemoryAtContext, ModelReport, ModelSpeed } from '#protocol';
import { kindInWords, knownInWords, rolesInWords, type Texts } from './modelWords';
import { formatBytes, formatRate } from './numbers';

/** Markdown that reads well as it stands. The first row is the head; all columns but the first are figures. */
function table(rows: readonly (readonly (string | number)[])[]): string[] {
  // Cells may hold what a file says of itself.
  const cells = rows.map((row) => row.map((cell) => String(cell).replaceAll('|', '\\|')));
  const widths = (cells[0] ?? []).map((_, i) => Math.max(3, ...cells.map((row) => row[i]?.length ?? 0)));
  const lines = cells.map((row) => {
    const padded = widths.map((width, i) =>
      i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width),
    );
    return `| ${padded.join(' | ')} |`;
  });
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [...lines.slice(0, 1), `| ${rule.join(' | ')} |`, ...lines.slice(1)];
}

function count(value: number, locale?: string): string {
  return value.toLocaleString(locale);
}

function fileSection(l10n: Texts, { model, sha256, importedAt }: ModelReport, locale?: string): string[] {
  const { licence, notes } = model.known;
  return [
    l10n.t('- File: {0}', model.path),
    l10n.t('- Kept as: {0}, {1}', kindInWords(l10n, model), formatBytes(model.bytes)),
    ...(importedAt === 0 ? [] : [l10n.t('- Imported: {0}', new Date(importedAt).toLocaleString(locale))]),
    ...(sha256 === '' ? [] : [l10n.t('- SHA-256: {0}', sha256)]),
    ...(model.kind === 'embedded' ? [] : [`- ${knownInWords(l10n, model.known)}`]),
    ...(licence === '' ? [] : [l10n.t('- Licence, by the catalogue: {0}', licence)]),
    ...(notes === '' ? [] : [`- ${notes}`]),
    '',
  ];
}

function modelSection(l10n: Texts, report: ModelReport, locale?: string): string[] {
  const { architecture, layers, contextLength, licence, chatTemplate, fillIn, formats, model } = report;
  return [
    `## ${l10n.t('Model')}`,
    '',
    l10n.t(
      '- Architecture: {0}, {1} layers, {2} million weights',
      architecture,
      layers,
      count(Math.round(model.parameters / 1e6), locale),
    ),
    l10n.t('- Context: {0} tokens', count(contextLength, locale)),
    licence === ''
      ? l10n.t('- Licence: the file does not state one')
      : l10n.t('- Licence, by the file: {0}', licence),
    chatTemplate ? l10n.t('- Chat template: yes') : l10n.t('- Chat template: none in the file'),
    l10n.t('- Text at the cursor: {0}', fillIn),
    '',
    ...table([
      [l10n.t('format'), l10n.t('tensors'), l10n.t('size')],
      ...formats.map(({ type, tensors, bytes }) => [type, tensors, formatBytes(bytes)]),
    ]),
    '',
  ];
}

function memorySection(l10n: Texts, memory: readonly MemoryAtContext[], locale?: string): string[] {
  return memory.length === 0
    ? []
    : [
        `## ${l10n.t('Memory')}`,
        '',
        ...table([
          [l10n.t('context'), l10n.t('weights'), l10n.t('KV cache'), l10n.t('working memory'), l10n.t('all')],
          ...memory.map(({ tokens, codec, weights, kv, scratch }) => [
            l10n.t('{0} tokens', count(tokens, locale)),
            formatBytes(weights),
            `${formatBytes(kv)} (${codec})`,
            formatBytes(scratch),
            formatBytes(weights + kv + scratch),
          ]),
        ]),
        '',
      ];
}

function speedSection(l10n: Texts, speed: ModelSpeed | null, locale?: string): string[] {
  return [
    `## ${l10n.t('Speed on this machine')}`,
    '',
    ...(speed === null
      ? [l10n.t('- Not measured yet')]
      : [
          l10n.t('- Reading: {0} tokens/s', formatRate(speed.prefill)),
          l10n.t('- Writing: {0} tokens/s', formatRate(speed.decode)),
          l10n.t(
            '- Measured for two seconds at background priority: {0}, {1} threads, {2}',
            speed.kernels,
            speed.threads,
            new Date(speed.measuredAt).toLocaleString(locale),
          ),
        ]),
    '',
  ];
}

export function modelPage(l10n: Texts, report: ModelReport, locale?: string): string {
  const { model, refused, memory, speed } = report;
  const roles = rolesInWords(l10n, model);
  return [
    `# ${model.name}`,
    '',
    roles.length === 0 ? l10n.t('- Role: none') : l10n.t('- Role: {0}', roles.join(', ')),
    ...(model.problem === '' ? [] : [l10n.t('- Attention: {0}', model.problem)]),
    ...(refused === '' || refused === model.problem ? [] : [l10n.t('- It cannot be used: {0}', refused)]),
    ...fileSection(l10n, report, locale),
    ...(report.architecture === '' || report.formats.length === 0 ? [] : modelSection(l10n, report, locale)),
    ...memorySection(l10n, memory, locale),
    ...speedSection(l10n, speed, locale),
  ].join('\n');
}
