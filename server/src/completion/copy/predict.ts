/** What the text itself foretells: continuations of the cursor's line out of this file and others, with what speaks for each. */
import { detached } from '../../util/detached';
import { alignLine } from './aligned';
import { lexemesOf } from './lexemes';
import { cachedLexemes, firstSolidLine, lineEnd, LineBreaks } from './lines';
import { occurrencesIn, type Occurrence } from './occurrences';

export interface CopyInput {
  readonly before: string;
  /** From the end of the cursor's line on. */
  readonly nextLines: string;
  /** Texts of other files, the most recently used first. */
  readonly others: readonly string[];
}

/** Numbers from which a confidence is computed (proposals/features.ts). Yes and no are 1 and 0. */
export interface CopyFeatures {
  /** Of the longest occurrence (Occurrence). */
  readonly matched: number;
  readonly words: number;
  readonly lines: number;
  /** Of the weight of all occurrences, 0 to 1: how much of what the text foretells is this. */
  readonly share: number;
  readonly votes: number;
  /** The same for lines of the same shape. */
  readonly alignedShare: number;
  readonly alignedSame: number;
  readonly alignedChanged: number;
  readonly alignedVotes: number;
  /** Lines between the cursor and the nearest source; `farAway` in another file. */
  readonly distance: number;
  /** Whether the longest occurrence stands behind the cursor. */
  readonly behind: number;
  /** Whether it is in other files only. */
  readonly otherFile: number;
  /** Whether a source's next line is the cursor's next line, too. */
  readonly nextAgrees: number;
}

export interface CopyOrigin {
  readonly source: string;
  /** Offset of the copy's first character. */
  readonly end: number;
}

export interface CopyCandidate {
  /** Up to the end of the line, not empty. */
  readonly text: string;
  readonly features: CopyFeatures;
  /** Where it stands as it is; absent when names were changed. */
  readonly origin?: CopyOrigin;
}

/** Characters. Fewer agree everywhere. */
const leastMatched = 3;
/** In each text, the nearest: of a beginning that is everywhere, the other occurrences say no more. */
const mostOccurrences = 600;
/** Lines on each side of the cursor that are compared by their shape. */
const mostLines = 2_000;
/** Characters on each side of the cursor, and of other files, that are looked at: a keystroke must not take milliseconds. */
const mostCharacters = 400_000;
/** Longer lines are data. */
const longestLine = 300;
/** Lines. */
const farAway = 10_000;

interface Group {
  weight: number;
  votes: number;
  best: Occurrence | undefined;
  origin: CopyOrigin | undefined;
  behind: boolean;
  alignedWeight: number;
  alignedVotes: number;
  alignedSame: number;
  alignedChanged: number;
  distance: number;
  otherFile: boolean;
  nextAgrees: boolean;
}

const emptyGroup: Readonly<Group> = {
  ...{ weight: 0, votes: 0, best: undefined, origin: undefined, behind: false },
  ...{ alignedWeight: 0, alignedVotes: 0, alignedSame: 0, alignedChanged: 0 },
  ...{ distance: farAway, otherFile: true, nextAgrees: false },
};

/** Longer matches weigh more: 8 characters more are worth a factor of e. */
function weightOf({ matched }: Occurrence): number {
  return Math.exp(Math.min(matched, 80) / 8);
}

class Gathering {
  private readonly groups = new Map<string, Group>();
  private total = 0;
  private alignedTotal = 0;
  private readonly before: string;
  private readonly nextLines: string;
  private readonly next: string;

  constructor(private readonly input: CopyInput) {
    this.before = input.before.slice(-mostCharacters);
    this.nextLines = input.nextLines.slice(0, mostCharacters);
    this.next = firstSolidLine(this.nextLines, 0);
  }

  private of(text: string): Group {
    const group = this.groups.get(text) ?? { ...emptyGroup };
    this.groups.set(text, group);
    return group;
  }

  /** `distance`: lines between the cursor and an offset of the text. */
  private occurrences(
    source: string,
    place: 'before' | 'behind' | 'other',
    distance: (at: number) => number,
  ): void {
    for (const occurrence of occurrencesIn(this.before, source, leastMatched, mostOccurrences)) {
      const { end, matched } = occurrence;
      const lineEnds = lineEnd(source, end);
      const text = source.slice(end, lineEnds).trimEnd();
      const weight = weightOf(occurrence);
      this.total += weight; // also of those that end here: they speak against all others
      if (text === '' || text.length > longestLine) {
        continue;
      }
      const group = this.of(text);
      group.weight += weight;
      group.votes += 1;
      if (group.best === undefined || matched > group.best.matched) {
        group.best = occurrence;
        group.origin = { source, end };
        group.behind = place === 'behind';
      }
      group.distance = Math.min(group.distance, distance(end));
      group.otherFile &&= place === 'other';
      group.nextAgrees ||= this.next !== '' && firstSolidLine(source, lineEnds) === this.next;
    }
  }

  gatherOccurrences(): void {
    const { before, nextLines } = this;
    const breaksBefore = new LineBreaks(before);
    const breaksBehind = new LineBreaks(nextLines);
    this.occurrences(before, 'before', (at) => breaksBefore.count - breaksBefore.before(at));
    this.occurrences(nextLines, 'behind', (at) => breaksBehind.before(at));
    for (const other of this.input.others) {
      this.occurrences(other.slice(0, mostCharacters), 'other', () => farAway);
    }
  }

  gatherShapes(): void {
    const lineStart = this.before.lastIndexOf('\n') + 1;
    const typed = lexemesOf(this.before.slice(lineStart).trimStart());
    if (typed.length < 2) {
      return; // half a word has no shape
    }
    const consider = (line: string, distance: number): void => {
      const trimmed = line.trim();
      const aligned =
        trimmed === '' || trimmed.length > longestLine ? undefined : alignLine(typed, cachedLexemes(trimmed));
      if (aligned === undefined) {
        return;
      }
      const { same, mapped, changed, rest } = aligned;
      const weight = Math.exp((same - mapped) / 2 - Math.log2(1 + distance) / 4 + (changed > 0 ? 1 : 0));
      this.alignedTotal += weight;
      if (rest === '') {
        return;
      }
      const group = this.of(rest);
      group.alignedWeight += weight;
      group.alignedVotes += 1;
      group.alignedSame = Math.max(group.alignedSame, same);
      group.alignedChanged = Math.max(group.alignedChanged, changed);
      group.distance = Math.min(group.distance, distance);
      group.otherFile = false;
    };
    this.before.slice(0, lineStart).split('\n').reverse().slice(0, mostLines).forEach(consider);
    this.nextLines.split('\n', mostLines).forEach(consider);
  }

  candidates(): readonly CopyCandidate[] {
    return [...this.groups].map(([text, group]) => ({
      text: detached(text), // one that is shown is remembered, and the text that it was found in must not be
      features: {
        matched: group.best?.matched ?? 0,
        words: group.best?.words ?? 0,
        lines: group.best?.lines ?? 0,
        share: this.total === 0 ? 0 : group.weight / this.total,
        votes: group.votes,
        alignedShare: this.alignedTotal === 0 ? 0 : group.alignedWeight / this.alignedTotal,
        alignedSame: group.alignedSame,
        alignedChanged: group.alignedChanged,
        alignedVotes: group.alignedVotes,
        distance: group.distance,
        behind: group.behind ? 1 : 0,
        otherFile: group.otherFile ? 1 : 0,
        nextAgrees: group.nextAgrees ? 1 : 0,
      },
      ...(group.origin && { origin: group.origin }),
    }));
  }
}

/** In no order. Each text once, with all that speaks for it. */
export function copyCandidates(input: CopyInput): readonly CopyCandidate[] {
  const gathering = new Gathering(input);
  gathering.gatherOccurrences();
  gathering.gatherShapes();
  return gathering.candidates();
}
