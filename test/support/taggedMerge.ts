/**
 * What a text becomes when somebody changes it while another's edits of it are pending: by units that carry their places, and so cannot be miscounted.
 * Slow and simple, and none of the code that it judges. What is deleted leaves a trace, so that a place where somebody was is known as one even when
 * nothing is left there.
 */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface Unit {
  /** In the first text; undefined = it was written since. */
  readonly place: number | undefined;
  /** '' = it was deleted. */
  readonly unit: string;
}

export class TaggedText {
  private readonly units: Unit[];
  /** Where each place of the first text is among the units; made when it is asked for. */
  private at: Map<number, number> | undefined;

  constructor(private readonly text: string) {
    // The places -1 and length are walls, so that every edit has a unit on either side.
    this.units = [
      { place: -1, unit: '' },
      ...text.split('').map((unit, place) => ({ place, unit })),
      { place: text.length, unit: '' },
    ];
  }

  /** A change of the text as it is now. */
  change({ start, end, text }: Edit): void {
    let at = 0;
    for (let seen = -1; ; at += 1) {
      seen += this.units[at]?.unit === '' ? 0 : 1;
      if (seen >= start || at === this.units.length - 1) {
        break; // the unit at `start`, or the wall
      }
    }
    for (let left = end - start, i = at; left > 0; i += 1) {
      const { place, unit } = this.units[i] as Unit;
      if (unit !== '') {
        this.units[i] = { place, unit: '' };
        left -= 1;
      }
    }
    this.units.splice(at, 0, ...text.split('').map((unit) => ({ place: undefined, unit })));
    this.at = undefined;
  }

  now(): string {
    return this.units.map(({ unit }) => unit).join('');
  }

  /** Whether nobody was at the places from `start` to `end` (not included), nor between them. */
  isUntouched(start: number, end: number): boolean {
    this.at ??= new Map(
      this.units.flatMap(({ place }, i) => (place === undefined ? [] : [[place, i] as const])),
    );
    const first = this.at.get(start) ?? -1;
    for (let place = start; place < end; place += 1) {
      const found = this.units[first + place - start];
      const isWall = place === -1 || place === this.text.length;
      if (found?.place !== place || (found.unit === '' && !isWall)) {
        return false;
      }
    }
    return true;
  }

  /** Whether nobody was in an edit of the first text, nor beside it. */
  isApart({ start, end }: Edit): boolean {
    return this.isUntouched(start - 1, end + 1);
  }

  /** The text now, with edits of the first text that are apart. */
  with(edits: readonly Edit[]): string {
    const units = [...this.units];
    for (const { start, end, text } of [...edits].reverse()) {
      // Behind the unit before it: that one is there, for it is apart, and edits before it come later.
      const at = units.findIndex(({ place }) => place === start - 1) + 1;
      units.splice(at, end - start, ...text.split('').map((unit) => ({ place: undefined, unit })));
    }
    return units.map(({ unit }) => unit).join('');
  }
}
