/** Where a change may belong next. Found by the text and the syntax tree; how likely each is, is another matter (confidence.ts). */
import type { NameUse, PlaceSyntax, TextRange } from '../../syntax';
import { occurrencesOf } from '../../syntax';
import type { Rule } from './rules';
import { commonSurroundings, Tokens, weightOf, type Surroundings } from './surroundings';

/** What is asked of syntax trees (Syntax); undefined = there is none. */
export interface Trees {
  namesIn(document: Followable, name: string): Promise<readonly NameUse[] | undefined>;
  placesIn(document: Followable, places: readonly TextRange[]): Promise<readonly PlaceSyntax[] | undefined>;
}

export interface Followable {
  readonly uri: string;
  readonly languageId: string;
  readonly text: string;
}

/**
 * Why a place may be next. declaration: the name that was declared there has another name now. unknown: it is a name that the text declares
 * nowhere. use: uses of a name that is still declared. member: behind a dot, or a key; memberDeclared: one that a class or type declares.
 * words: in comments or strings. tokens: tokens in the same surroundings.
 */
export type Why = 'declaration' | 'unknown' | 'use' | 'member' | 'memberDeclared' | 'words' | 'tokens';

export interface Candidate extends TextRange {
  readonly rule: Rule;
  readonly why: Why;
  /** Of the surroundings that it has in common with the others (`tokens` alone). */
  readonly weight: number;
  /** Places that are left, this one included. */
  readonly left: number;
}

/** More places than these are looked at by nobody. */
const mostPlaces = 400;
/** Where the next place is not certain, those behind it may be. */
const mostTried = 3;

function sameRange(a: TextRange | undefined, b: TextRange | undefined): boolean {
  return a?.start === b?.start && a?.end === b?.end;
}

function contains(outer: TextRange, inner: TextRange): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

interface Found {
  readonly why: Why;
  readonly places: readonly TextRange[];
  readonly weight: number;
}

/** Of a name that was declared where the change was made. */
function ofDeclaration(
  changed: NameUse,
  uses: readonly NameUse[],
  news: readonly NameUse[],
): Found | undefined {
  const { scope } = changed;
  const taken = news.some(
    (use) => use.declares && use.start !== changed.start && sameRange(use.scope, scope),
  );
  if (scope === undefined || taken) {
    return undefined; // there is such a name already
  }
  const inner = news.flatMap((use) =>
    use.declares && use.scope !== undefined && !sameRange(use.scope, scope) && contains(scope, use.scope)
      ? [use.scope]
      : [],
  );
  const places = uses.filter(
    (use) =>
      use.role === 'name' &&
      contains(scope, use) &&
      // Declared again within: another one.
      !(use.scope !== undefined && contains(scope, use.scope)) &&
      // There the new name means something else.
      !inner.some((one) => contains(one, use)),
  );
  return { why: 'declaration', places, weight: 0 };
}

/** Of a name that is used, and declared elsewhere or nowhere. */
function ofUse(changed: NameUse, uses: readonly NameUse[]): Found {
  const around = uses
    .flatMap(({ scope }) => (scope !== undefined && contains(scope, changed) ? [scope] : []))
    .sort((a, b) => a.end - a.start - (b.end - b.start))[0];
  const places = uses.filter((use) => use.role === 'name' && !use.declares && sameRange(use.scope, around));
  return { why: around === undefined ? 'unknown' : 'use', places, weight: 0 };
}

async function renamed(document: Followable, rule: Rule, trees: Trees): Promise<Found | undefined> {
  const { latest, removed, inserted, instances } = rule;
  const [news, uses] = [await trees.namesIn(document, inserted), await trees.namesIn(document, removed)];
  if (news === undefined || uses === undefined) {
    return undefined;
  }
  const made = news.filter((use) => instances.some((one) => one.start === use.start));
  const changed = made.find(({ start }) => start === latest.start);
  if (changed === undefined) {
    return words(document, rule, trees);
  }
  if (changed.role === 'both') {
    return undefined;
  }
  if (changed.role === 'member') {
    const why = made.some((use) => use.role === 'member' && use.declares) ? 'memberDeclared' : 'member';
    return { why, places: uses.filter(({ role }) => role === 'member'), weight: 0 };
  }
  const declaration = made.find(
    (use) => use.role === 'name' && use.declares && use.scope !== undefined && contains(use.scope, changed),
  );
  return declaration === undefined ? ofUse(changed, uses) : ofDeclaration(declaration, uses, news);
}

/** In comments and strings, where words are no names. */
async function words(
  document: Followable,
  { latest, removed }: Rule,
  trees: Trees,
): Promise<Found | undefined> {
  const all = occurrencesOf(document.text, removed)
    .slice(0, mostPlaces)
    .map((start) => ({ start, end: start + removed.length }));
  const [changed, ...others] = (await trees.placesIn(document, [latest, ...all])) ?? [];
  if (changed?.kind !== 'comment' && changed?.kind !== 'string') {
    return undefined;
  }
  return { why: 'words', places: all.filter((_, i) => others[i]?.kind === changed.kind), weight: 0 };
}

/** Whether a text has at a place already what a change would make of it. */
function isMade(text: string, { start }: TextRange, { removed, inserted }: Rule): boolean {
  if (removed === '') {
    return (
      text.startsWith(inserted, start) ||
      text.endsWith(inserted, start) ||
      text.slice(0, start).endsWith(inserted)
    );
  }
  for (let at = inserted.indexOf(removed); at >= 0; at = inserted.indexOf(removed, at + 1)) {
    if (text.startsWith(inserted, start - at)) {
      return true;
    }
  }
  return false;
}

function* startsOf(tokens: Tokens, removed: string, wanted: Surroundings): Generator<number> {
  const { text, list } = tokens;
  if (removed !== '') {
    for (let at = text.indexOf(removed); at >= 0; at = text.indexOf(removed, at + 1)) {
      yield at;
    }
    return;
  }
  const [next] = wanted.right;
  const [previous] = wanted.left;
  for (const [i, token] of list.entries()) {
    if (next !== undefined && next !== '\n' ? token.text === next : list[i - 1]?.text === previous) {
      yield token.start;
    }
  }
}

async function repeated(document: Followable, rule: Rule, trees: Trees): Promise<Found | undefined> {
  const { instances, removed } = rule;
  const tokens = new Tokens(document.text);
  const around = instances.flatMap(({ start, end }) => tokens.around(start, end) ?? []);
  if (around.length < 2) {
    return undefined;
  }
  const wanted = commonSurroundings(around);
  const places: TextRange[] = [];
  for (const start of startsOf(tokens, removed, wanted)) {
    const place = { start, end: start + removed.length };
    if (places.length < mostPlaces && tokens.fit(start, place.end, wanted)) {
      places.push(place);
    }
  }
  const kinds = (await trees.placesIn(document, [...instances, ...places])) ?? [];
  const wantedKinds = new Set(kinds.slice(0, instances.length).map((one) => one.kind));
  return {
    why: 'tokens',
    places: places.filter((_, i) => wantedKinds.has(kinds[instances.length + i]?.kind) && kinds.length > 0),
    weight: weightOf(wanted, removed),
  };
}

/**
 * The next places of a rule, those behind `cursor` first, then those before it. `all`: what has been changed, which is left alone.
 */
export async function nextPlaces(
  document: Followable,
  rule: Rule,
  all: readonly TextRange[],
  cursor: number,
  trees: Trees,
): Promise<Candidate[]> {
  const { text } = document;
  const found = await (rule.kind === 'rename' ? renamed : repeated)(document, rule, trees);
  if (found === undefined) {
    return [];
  }
  const { why, weight } = found;
  const places = found.places.filter(
    (place) =>
      !isMade(text, place, rule) &&
      // What the user has written since says what it is to say.
      !all.some(
        (one) =>
          (place.start < one.end && one.start < place.end) ||
          (one.start === place.start && one.end === place.end),
      ),
  );
  return [...places.filter(({ start }) => start >= cursor), ...places.filter(({ start }) => start < cursor)]
    .slice(0, mostTried)
    .map((place) => ({ ...place, rule, why, weight, left: places.length }));
}
