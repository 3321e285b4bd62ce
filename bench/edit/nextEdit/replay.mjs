/**
 * Makes the changes of a commit in a file again, one after the other, and asks after each what comes next. An offer is a hit when it is a part of
 * what the commit still changes: with it made, the text is nearer to the commit's by exactly the tokens that it takes away and brings.
 */

/** Changes of one file; more are no sitting. */
const mostSteps = 60;

export class Replay {
  #next;
  #pieces;
  #language;

  /**
   * @param {object} next   server/src/edit/next: { NextEdits, replacementsBetween, runsBetween, tokensOf }
   * @param {{ before: string, after: string, path: string, language: string }} file
   */
  constructor(next, { before, after, language }) {
    this.#next = next;
    this.#language = language;
    this.#pieces = this.#split(before, after);
  }

  /** Whether it is one that a person may have made by hand. */
  get usable() {
    const steps = this.#pending().length;
    return steps > 0 && steps <= mostSteps;
  }

  /** Runs of lines that stay, and those that change, line by line where there are as many as before. */
  #split(before, after) {
    const lines = (text) => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    const [a, b] = [lines(before), lines(after)];
    const pieces = [];
    let at = 0;
    for (const { startA, endA, startB, endB } of this.#next.runsBetween(a, b) ?? []) {
      pieces.push({ text: a.slice(at, startA).join('') });
      if (endA - startA === endB - startB) {
        pieces.push(...a.slice(startA, endA).map((text, i) => ({ text, wanted: b[startB + i] })));
      } else {
        pieces.push({ text: a.slice(startA, endA).join(''), wanted: b.slice(startB, endB).join('') });
      }
      at = endA;
    }
    return [...pieces, { text: a.slice(at).join('') }];
  }

  #pending() {
    return this.#pieces.filter(({ text, wanted }) => wanted !== undefined && text !== wanted);
  }

  #text() {
    return this.#pieces.map(({ text }) => text).join('');
  }

  #startOf(piece) {
    let start = 0;
    for (const one of this.#pieces) {
      if (one === piece) {
        return start;
      }
      start += one.text.length;
    }
    throw new Error('no such piece');
  }

  /** Tokens that are taken away and brought. */
  #distance(a, b) {
    const texts = (text) => this.#next.tokensOf(text).map((token) => token.text);
    const runs = this.#next.runsBetween(texts(a), texts(b));
    return runs?.reduce((sum, { startA, endA, startB, endB }) => sum + endA - startA + endB - startB, 0);
  }

  /** The piece that an offer is in, with its text as the offer would make it; undefined = it is in none that changes. */
  #made({ start, end, text }) {
    for (const piece of this.#pending()) {
      const from = this.#startOf(piece);
      if (from <= start && end <= from + piece.text.length) {
        return { piece, text: piece.text.slice(0, start - from) + text + piece.text.slice(end - from) };
      }
    }
    return undefined;
  }

  #isHit(offer, made) {
    const cost = this.#distance(offer.before, offer.text);
    const [far, near] = [
      this.#distance(made.piece.text, made.piece.wanted),
      this.#distance(made.text, made.piece.wanted),
    ];
    return near !== undefined && far !== undefined && cost > 0 && near === far - cost;
  }

  /** Changes between a piece as it is and as it is wanted: keys. */
  #keys(before, after) {
    const found = this.#next.replacementsBetween(before, after) ?? [];
    return found.map(({ removed, inserted }) => `${removed}\0${inserted}`);
  }

  /**
   * @param {(document: object, cursor: number) => Promise<object | undefined>} ask
   * @param {(offer: object) => void} decline
   * @returns {Promise<{ asked: number, repeats: number, covered: number, offers: { hit: boolean, offer: object }[] }>} `repeats`: how often, when it was asked, the
   *   commit still made a change elsewhere that had just been made
   */
  async run(ask, decline) {
    const result = { asked: 0, repeats: 0, covered: 0, offers: [] };
    for (let piece = this.#pending()[0]; piece !== undefined; piece = this.#pending()[0]) {
      let made = this.#keys(piece.text, piece.wanted);
      piece.text = piece.wanted;
      let cursor = this.#startOf(piece) + piece.text.length;
      for (;;) {
        const document = { languageId: this.#language, text: this.#text() };
        const repeats = this.#pending().some(({ text, wanted }) =>
          this.#keys(text, wanted).some((key) => made.includes(key)),
        );
        result.asked += 1;
        result.repeats += repeats ? 1 : 0;
        const offer = await ask(document, cursor);
        if (offer === undefined) {
          break;
        }
        const at = this.#made(offer);
        const hit = at !== undefined && this.#isHit(offer, at);
        result.offers.push({ hit, offer, repeats });
        if (!hit) {
          decline(offer);
          continue;
        }
        result.covered += repeats ? 1 : 0;
        made = [`${offer.before}\0${offer.text}`];
        cursor = offer.start + offer.text.length;
        at.piece.text = at.text;
      }
    }
    return result;
  }
}
