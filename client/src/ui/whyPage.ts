/** "Why this suggestion?" as text: how the last suggestion came about. */
import type { PromptPart, Proposal, SuggestionReport, SuggestionTimes } from '#protocol';

/** In the order in which they take place. */
const phases: readonly (readonly [keyof SuggestionTimes, string])[] = [
  ['debounce', 'waiting for a pause in typing'],
  ['model', 'waiting for the model to be loaded'],
  ['prompt', 'making the prompt'],
  ['queue', 'waiting for the engine'],
  ['prefill', 'reading the prompt'],
  ['decode', 'writing'],
  ['decide', 'deciding what to show'],
  ['total', 'all'],
];

function quoted(text: string): string {
  return JSON.stringify(text);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/** Cells may hold anything, paths with vertical lines too. */
function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

function promptSection(parts: readonly PromptPart[], report: SuggestionReport): string[] {
  const { all, reused, shared, shifted, computed } = report.tokens;
  const details = [
    ...(shared > 0 ? [`${String(shared)} of them computed for another file`] : []),
    ...(shifted > 0 ? [`${String(shifted)} of them moved behind an edit`] : []),
  ];
  return [
    '## What the model read',
    '',
    row('part', 'from', 'characters', 'tokens'),
    '| --- | --- | ---: | ---: |',
    ...parts.map(({ what, source, characters, tokens }) =>
      row(what, source === '' ? '–' : source, characters, tokens),
    ),
    '',
    `- ${String(all)} tokens: ${String(reused)} had been read before${details.length === 0 ? '' : ` (${details.join(', ')})`}, ${String(computed)} were read now`,
    ...(report.healed === ''
      ? []
      : [`- Left out at the end, and demanded as the beginning of the answer: ${quoted(report.healed)}`]),
    '',
  ];
}

function timeSection(times: SuggestionTimes): string[] {
  return [
    '## Time',
    '',
    row('phase', 'milliseconds'),
    '| --- | ---: |',
    ...phases
      .filter(([phase]) => phase === 'total' || times[phase] >= 0.05)
      .map(([phase, name]) => row(name, times[phase].toFixed(1))),
    '',
  ];
}

function proposalLines({ proposer, text, confidence, features }: Proposal): string[] {
  const sure = confidence === undefined ? '' : `, confidence ${percent(confidence)}`;
  return [
    `- ${proposer}${sure}: ${quoted(text)}`,
    ...Object.entries(features).map(
      ([name, value]) => `  - ${name}: ${String(Number(value.toPrecision(3)))}`,
    ),
  ];
}

export function whyPage(report: SuggestionReport): string {
  const { uri, languageId, position, suggestion, proposer, confidence, proposals, filters } = report;
  const asked = report.parts.length > 0;
  return [
    '# Why this suggestion?',
    '',
    'The last suggestion, and how it came about. Kept in memory only.',
    '',
    `- Suggested: ${suggestion === '' ? 'nothing' : quoted(suggestion)}`,
    `- Where: ${uri}, line ${String(position.line + 1)}, column ${String(position.character + 1)} (${languageId})`,
    ...(proposer === '' ? [] : [`- Proposed by: ${proposer}`]),
    ...(confidence === undefined ? [] : [`- Confidence: ${percent(confidence)}`]),
    ...(report.by === 'typedAlong'
      ? [
          '- It is the rest of a suggestion that was made earlier and typed since. What follows is of that one.',
        ]
      : []),
    ...(report.strategy === ''
      ? []
      : [`- How the model was asked: ${report.strategy}. ${report.strategyReason}`]),
    '',
    ...(asked ? promptSection(report.parts, report) : []),
    ...timeSection(report.times),
    '## Proposals',
    '',
    ...(proposals.length === 0 ? ['- none'] : proposals.flatMap(proposalLines)),
    ...(asked ? [`- The model wrote ${String(report.decodedTokens)} tokens: ${quoted(report.written)}`] : []),
    '',
    '## Filters',
    '',
    ...(filters.length === 0
      ? ['- none had anything to say']
      : filters.map(({ name, outcome }) => `- ${name}: ${outcome}`)),
    '',
  ].join('\n');
}
