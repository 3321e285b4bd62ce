/** "Show Statistics" as text. */
import type { SuggestionStatistics } from '#protocol';

/** '–' where there is nothing to compare with. */
function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((part / whole) * 100).toFixed(0)} %`;
}

export function statisticsPage(counts: SuggestionStatistics, locale?: string): string {
  return [
    'Niwaki: what became of suggestions',
    '',
    `Since ${new Date(counts.since).toLocaleString(locale)}. Counted in memory only, for you alone: nothing is sent anywhere or written`,
    'to disk, and all is gone when the server ends. "Niwaki: Clear Counters" begins anew.',
    '',
    `requests                        ${String(counts.requested)}`,
    `answers with a suggestion       ${String(counts.returned)} (${share(counts.returned, counts.requested)} of the requests; whether the editor showed it, nobody tells)`,
    `suggestions in them             ${String(counts.suggestions)} (without what was left of one while it was typed along)`,
    `accepted as a whole             ${String(counts.accepted)} (${share(counts.accepted, counts.suggestions)} of the suggestions), ${String(counts.acceptedCharacters)} characters`,
    `still there after 30 seconds    ${String(counts.kept)} of ${String(counts.lookedAt)} (${share(counts.kept, counts.lookedAt)}), ${String(counts.keptCharacters)} characters; of closed files nothing is known`,
    '',
    'Estimates, by how the text changed:',
    '',
    `accepted in part                ${String(counts.partlyAccepted)} times (word by word or line by line), ${String(counts.partlyAcceptedCharacters)} characters`,
    `typed to the end by hand        ${String(counts.typedToTheEnd)}`,
    '',
  ].join('\n');
}
