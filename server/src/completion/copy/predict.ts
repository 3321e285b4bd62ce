/** What the text itself foretells: continuations of the cursor's line out of this file and others, with what speaks for each. */
import { alignLine } from './aligned';
import { lexemesOf, type Lexeme } from './lexemes';
import { occurrencesIn, type Occurrence } from './occurrences';

export interface CopyInput {
  readonly before: string;
  /** From the end of the cursor's line on. */
  readonly nextLines: string;
  /** Texts of other files, the most recently used first. */
  readonly others: readonly string[];
}

/** All are what a confidence is computed from (decide/confidence.ts). */
export interface CopyFeatures {
  readonly matched: number;
  readonly words: number;
  readonly lines: number;
  /** Of all occurrences' weight: how much speaks for this continuation. */
  readonly share: number;
  readonly votes: number;
  readonly alignedShare: number;
  readonly alignedSame: number;
  readonly alignedChanged: number;
  readonly alignedVotes: number;
  /** Lines between the cursor and the nearest source; 10,000 in another file. */
  readonly distance: number;
  readonly behind: number;
  readonly otherFile: number;
  /** Whether the source's next line is the cursor's next line, too. */
  readonly nextAgrees: number;
  readonly typed: number;
  readonly insideWord: number;
}

export interface CopyCandidate {
  /** Up to the end of the line, not empty. */
  readonly text: string;
  readonly features: CopyFeatures;
  /** Source and offset where it stands as it is; absent when names were changed. */
  readonly origin?: { readonly source: string; readonly end: number };
}

const leastMatched = 3;
const mostOccurrences = 600;
const mostLines = 4000;

interface Group {
  text: string;
  weight: number;
  votes: number;
  best: Occurrence | undefined;
  alignedWeight: number;
  alignedVotes: number;
  alignedSame: number;
  alignedChanged: number;
  distance: number;
  behind: boolean;
  otherFile: boolean;
  nextAgrees: boolean;
  origin: { readonly source: string; readonly end: number } | undefined;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function firstSolidLine(text: string, from: number): string {
  let at = from;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).trim();
    if (line !== '') {
      return line;
    }
    at = end + 1;
  }
  return '';
}

function countLines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) {
    count += 1;
  }
  return count;
}

/** Longer matches weigh more, the more so the rarer what they match is; 8 characters more are worth a factor of e. */
function weightOf(matched: number): number {
  return Math.exp(Math.min(matched, 80) / 8);
}

class Groups {
  readonly byText = new Map<string, Group>();

  of(text: string): Group {
    const known = this.byText.get(text);
    if (known !== undefined) {
      return known;
    }
    const made: Group = {
      ...{ text, weight: 0, votes: 0, best: undefined, alignedWeight: 0, alignedVotes: 0, alignedSame: 0 },
      ...{
        alignedChanged: 0,
        distance: 10_000,
        behind: false,
        otherFile: true,
        nextAgrees: false,
        origin: undefined,
      },
    };
    this.byText.set(text, made);
    return made;
  }
}

const lexemeCache = new Map<string, readonly Lexeme[]>();
function cachedLexemes(line: string): readonly Lexeme[] {
  let found = lexemeCache.get(line);
  if (found === undefined) {
    found = lexemesOf(line);
    if (lexemeCache.size > 20_000) {
      lexemeCache.clear();
    }
    lexemeCache.set(line, found);
  }
  return found;
}

export function copyCandidates(input: CopyInput): readonly CopyCandidate[] {
  const { before, nextLines, others } = input;
  const groups = new Groups();
  const next = firstSolidLine(nextLines, 0);
  const lineStart = before.lastIndexOf('\n') + 1;
  const typedText = before.slice(lineStart).trimStart();
  const sources = [before, nextLines, ...others];
  let total = 0;
  sources.forEach((source, which) => {
    for (const occurrence of occurrencesIn(before, source, leastMatched, mostOccurrences)) {
      const { end, matched } = occurrence;
      const text = source.slice(end, lineEnd(source, end)).trimEnd();
      const weight = weightOf(matched);
      total += weight;
      if (text === '') {
        continue;
      }
      const group = groups.of(text);
      group.weight += weight;
      group.votes += 1;
      const distance =
        which === 0
          ? countLines(before, end, before.length)
          : which === 1
            ? countLines(nextLines, 0, end)
            : 10_000;
      if (group.best === undefined || matched > group.best.matched) {
        group.best = occurrence;
        group.origin = { source, end };
        group.behind = which === 1;
      }
      group.distance = Math.min(group.distance, distance);
      group.otherFile &&= which > 1;
      group.nextAgrees ||= next !== '' && firstSolidLine(source, lineEnd(source, end)) === next;
    }
  });
  let alignedTotal = 0;
  const typed = typedText.trimEnd() === '' ? [] : lexemesOf(typedText);
  if (typed.length > 1) {
    const linesBefore = before.slice(0, lineStart).split('\n').reverse();
    const linesBehind = nextLines.split('\n');
    const consider = (line: string, distance: number, which: number): void => {
      const trimmed = line.trim();
      if (trimmed === '' || trimmed.length > 300) {
        return;
      }
      const aligned = alignLine(typed, cachedLexemes(trimmed));
      if (aligned === undefined) {
        return;
      }
      const weight = Math.exp(
        aligned.same / 2 - aligned.mapped / 2 - Math.log2(1 + distance) / 4 + (aligned.changed > 0 ? 1 : 0),
      );
      alignedTotal += weight;
      if (aligned.rest === '') {
        return;
      }
      const group = groups.of(aligned.rest);
      group.alignedWeight += weight;
      group.alignedVotes += 1;
      group.alignedSame = Math.max(group.alignedSame, aligned.same);
      group.alignedChanged = Math.max(group.alignedChanged, aligned.changed);
      group.distance = Math.min(group.distance, distance);
      group.otherFile &&= which > 1;
    };
    linesBefore.slice(0, mostLines).forEach((line, i) => {
      consider(line, i, 0);
    });
    linesBehind.slice(0, mostLines).forEach((line, i) => {
      consider(line, i, 1);
    });
  }
  const insideWord = /[\p{L}\p{N}_$]$/u.test(before) ? 1 : 0;
  return [...groups.byText.values()].map((group) => ({
    text: group.text,
    features: {
      matched: group.best?.matched ?? 0,
      words: group.best?.words ?? 0,
      lines: group.best?.lines ?? 0,
      share: total === 0 ? 0 : group.weight / total,
      votes: group.votes,
      alignedShare: alignedTotal === 0 ? 0 : group.alignedWeight / alignedTotal,
      alignedSame: group.alignedSame,
      alignedChanged: group.alignedChanged,
      alignedVotes: group.alignedVotes,
      distance: group.distance,
      behind: group.behind ? 1 : 0,
      otherFile: group.otherFile ? 1 : 0,
      nextAgrees: group.nextAgrees ? 1 : 0,
      typed: typedText.length,
      insideWord,
    },
    ...(group.origin && { origin: group.origin }),
  }));
}
