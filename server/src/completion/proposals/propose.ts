/**
 * Both proposers' proposals, judged together: what the model wrote, and what the text foretells, which the model is asked about in one or
 * two passes each.
 */
import { copyCandidates, type CopyCandidate, type CopyInput } from '../copy';
import { confidenceOf, copyConfidence } from './confidence';
import { featuresOf, type Evidence, type Features, type Likelihood } from './features';

export type Proposer = 'model' | 'copy' | 'both';

export interface RankedProposal {
  readonly proposer: Proposer;
  readonly text: string;
  /** 0 to 1: how probable it is that the line goes on exactly like that. */
  readonly confidence: number;
  readonly features: Features;
  /** Where a copy comes from, as it stands there. */
  readonly origin?: CopyCandidate['origin'];
}

/** What the model wrote. */
export interface Written {
  /** The first line of it, without white space at its end. */
  readonly text: string;
  readonly likelihood: Likelihood;
}

/** How many copies the model is asked about. More cost more time than they are worth: the right one is seldom behind these. */
export const mostJudged = 3;

/** Characters in the cursor's line before the cursor, without indentation. */
function typedIn(before: string): number {
  return before.slice(before.lastIndexOf('\n') + 1).trimStart().length;
}

interface Found {
  readonly candidate: CopyCandidate;
  readonly confidence: number;
}

export class Proposals {
  private readonly found: readonly Found[];
  private readonly typed: number;
  private readonly judged = new Map<string, Likelihood>();
  private written: Written | undefined;

  /** `input` undefined = nothing is copied. */
  constructor(input: CopyInput | undefined, before: string) {
    this.typed = typedIn(before);
    this.found = (input === undefined ? [] : copyCandidates(input))
      .map((candidate) => {
        const { text, features } = candidate;
        return {
          candidate,
          confidence: copyConfidence(featuresOf({ text, copy: features, written: false, typed: this.typed })),
        };
      })
      .sort((a, b) => b.confidence - a.confidence);
  }

  /** Texts that are worth a question to the model, the likeliest first. */
  toJudge(most: number): readonly string[] {
    return this.found
      .filter(({ candidate }) => candidate.text !== this.written?.text)
      .slice(0, most)
      .map(({ candidate }) => candidate.text);
  }

  /** '' = nothing was found. */
  get likeliestCopy(): string {
    return this.found[0]?.candidate.text ?? '';
  }

  wrote(written: Written): void {
    this.written = written;
  }

  judge(text: string, likelihood: Likelihood): void {
    this.judged.set(text, likelihood);
  }

  /** All, the surest first. */
  ranked(embedded: boolean): readonly RankedProposal[] {
    const { written, typed } = this;
    const rank = (text: string, candidate: CopyCandidate | undefined): RankedProposal => {
      const isWritten = text === written?.text;
      const likelihood = isWritten ? written.likelihood : this.judged.get(text);
      const evidence: Evidence = {
        ...{ text, written: isWritten, typed },
        ...(candidate && { copy: candidate.features }),
        ...(likelihood && { likelihood }),
        ...(written && { best: written.likelihood }),
      };
      const features = featuresOf(evidence);
      return {
        proposer: candidate === undefined ? 'model' : isWritten ? 'both' : 'copy',
        ...{ text, features, confidence: confidenceOf(evidence, features, embedded) },
        ...(candidate?.origin && { origin: candidate.origin }),
      };
    };
    const all = this.found.map(({ candidate }) => rank(candidate.text, candidate));
    if (written !== undefined && written.text !== '' && !all.some(({ text }) => text === written.text)) {
      all.push(rank(written.text, undefined));
    }
    return all.sort((a, b) => b.confidence - a.confidence);
  }
}
