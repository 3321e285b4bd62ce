/** What the latest changes might be the beginning of. */
import type { Replacement } from './changes';
import { keyOf, longestRepeated, type Made } from './followed';
import { isBlank, isWord, tokensOf } from './tokens';

/**
 * rename: one name by another. repeat: tokens by others, in the same surroundings. `instances`: where it was made, in the order of the text;
 * `latest` is one of them.
 */
export interface Rule {
  readonly kind: 'rename' | 'repeat';
  readonly removed: string;
  readonly inserted: string;
  readonly instances: readonly Replacement[];
  readonly latest: Replacement;
  /** Whether nothing else was changed in the lines where it was made. */
  readonly alone: boolean;
}

/** Tokens, white space among them. What is longer is written, not repeated. */
const mostRemoved = 16;
const mostInserted = 24;
/** Rules of one change. */
const mostRules = 4;

/** Words of languages, which are never names. */
const keywords = new Set(
  (
    'abstract and as async await auto bool boolean break case catch char class const constexpr continue def default delete do double elif else ' +
    'enum export extends extern false final finally float fn for foreach from func function get goto if implements import in inline instanceof ' +
    'int interface is let long namespace new nil none not null number of operator or override package pass private protected public raise ' +
    'readonly ref require return self set short signed sizeof static string struct super switch template this throw throws trait true try type ' +
    'typedef typeof undefined union unsigned use using var virtual void volatile when where while with yield'
  ).split(' '),
);

export function isName(text: string): boolean {
  return isWord(text) && !keywords.has(text.toLowerCase());
}

function isWorthRepeating({ removed, inserted }: Replacement): boolean {
  const short = tokensOf(removed).length <= mostRemoved && tokensOf(inserted).length <= mostInserted;
  const long = removed.length + inserted.length > longestRepeated;
  return short && !long && !(isBlank(removed) && isBlank(inserted)) && !(removed + inserted).includes('\n');
}

/** The likeliest first: what was made most often. */
export function rulesOf({ all, latest }: Made): Rule[] {
  const rules = new Map<string, Rule>();
  for (const change of latest) {
    const { removed, inserted } = change;
    const key = keyOf(change);
    if (!isWorthRepeating(change) || rules.has(key)) {
      continue;
    }
    const instances = all.filter((one) => keyOf(one) === key);
    // Made and unmade at once: two things are exchanged.
    const opposite = all.some((one) => one.removed === inserted && one.inserted === removed);
    const kind = isName(removed) && isName(inserted) ? 'rename' : 'repeat';
    if (!opposite && (kind === 'rename' || instances.length > 1)) {
      const alone = latest.every((one) => keyOf(one) === key);
      rules.set(key, { kind, removed, inserted, instances, latest: change, alone });
    }
  }
  const found = [...rules.values()];
  // What becomes of one thing here and another there is no rule.
  const sure = found.filter(
    ({ removed, inserted, kind }) =>
      kind === 'repeat' || !all.some((one) => one.removed === removed && one.inserted !== inserted),
  );
  return sure.sort((a, b) => b.instances.length - a.instances.length).slice(0, mostRules);
}
