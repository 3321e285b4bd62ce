/** Documents that are edited in steps, with the real grammars; everything that is found is certain. */
import { NextEdits, type Candidate, type Offer } from '../../../../server/src/edit/next';
import { realSyntax } from '../../syntax/support';

export const syntax = realSyntax();

let documents = 0;

export class Sitting {
  readonly uri: string;
  readonly judged: Candidate[] = [];
  readonly edits: NextEdits;

  constructor(
    public text: string,
    readonly languageId = 'typescript',
    confidence: (candidate: Candidate) => number = () => 1,
  ) {
    documents += 1;
    this.uri = `file:///sitting/${String(documents)}`;
    this.edits = new NextEdits({
      trees: syntax,
      judge: (_document, candidate) => {
        this.judged.push(candidate);
        return Promise.resolve(confidence(candidate));
      },
      least: 0.5,
    });
    this.edits.opened(this.uri, text);
  }

  /** Replaces an occurrence of `from` (the first, counted from 0) and asks; the cursor is behind what was typed. */
  change(from: string, to: string, occurrence = 0): Promise<Offer | undefined> {
    let at = this.text.indexOf(from);
    for (let i = 0; i < occurrence; i += 1) {
      at = this.text.indexOf(from, at + 1);
    }
    if (at < 0) {
      throw new Error(`There is no "${from}".`);
    }
    return this.set(this.text.slice(0, at) + to + this.text.slice(at + from.length), at + to.length);
  }

  set(text: string, cursor: number): Promise<Offer | undefined> {
    this.text = text;
    return this.ask(cursor);
  }

  ask(cursor: number): Promise<Offer | undefined> {
    const { uri, languageId, text } = this;
    return this.edits.next({ uri, languageId, text }, cursor, new AbortController().signal);
  }

  /** As the user would. */
  accept(offer: Offer): Promise<Offer | undefined> {
    const { start, end, text } = offer;
    return this.set(this.text.slice(0, start) + text + this.text.slice(end), start + text.length);
  }

  /** The line that an offer is in, as it would be. */
  line(offer: Offer | undefined): string | undefined {
    if (offer === undefined) {
      return undefined;
    }
    const changed = this.text.slice(0, offer.start) + offer.text + this.text.slice(offer.end);
    const from = changed.lastIndexOf('\n', offer.start - 1) + 1;
    const to = changed.indexOf('\n', offer.start);
    return changed.slice(from, to < 0 ? changed.length : to).trim();
  }

  /** Accepts as long as there are offers; the text then. */
  async acceptAll(first: Offer | undefined): Promise<string> {
    for (let offer = first; offer !== undefined;) {
      offer = await this.accept(offer);
    }
    return this.text;
  }
}
