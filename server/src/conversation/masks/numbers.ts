/** Numbers of JSON within bounds, as grammars. No exponents, no "-0". */
import { characters, choice, optional, repeat, sequence, text, type Expression } from '../../grammar/grammar';

const digit = characters('0-9');
const zeros = (n: number): string => '0'.repeat(n);
const nines = (n: number): string => '9'.repeat(n);

/** Digits from `low` to `high`, which are equally many. */
function ofOneLength(low: string, high: string): Expression {
  const n = low.length;
  if (low === high) {
    return text(low);
  }
  if (low === zeros(n) && high === nines(n)) {
    return repeat(digit, n, n);
  }
  const [a = '0', b = '9'] = [low[0], high[0]];
  if (a === b) {
    return sequence(text(a), ofOneLength(low.slice(1), high.slice(1)));
  }
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  const full = n === 1 ? [] : [repeat(digit, n - 1, n - 1)];
  let [from, to] = [Number(a), Number(b)];
  const parts: Expression[] = [];
  if (lowRest !== zeros(n - 1)) {
    parts.push(sequence(text(a), ofOneLength(lowRest, nines(n - 1))));
    from += 1;
  }
  if (highRest !== nines(n - 1)) {
    to -= 1;
  }
  if (from <= to) {
    parts.push(sequence(characters(`${String(from)}-${String(to)}`), ...full));
  }
  if (highRest !== nines(n - 1)) {
    parts.push(sequence(text(b), ofOneLength(zeros(n - 1), highRest)));
  }
  return choice(...parts);
}

/** Whole numbers, 0 <= low <= high. */
function naturals(low: bigint, high: bigint): Expression[] {
  const parts: Expression[] = [];
  for (let n = String(low).length; n <= String(high).length; n += 1) {
    const first = n === 1 ? 0n : 10n ** BigInt(n - 1);
    const last = 10n ** BigInt(n) - 1n;
    const [from, to] = [low > first ? low : first, high < last ? high : last];
    parts.push(ofOneLength(String(from), String(to)));
  }
  return parts;
}

/** What a number may be: both ends included unless they are excluded. Absent = no limit but the digits. */
export interface NumberRange {
  readonly minimum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMaximum?: number | undefined;
}

function wholeBounds(range: NumberRange, digits: number): { low: bigint; high: bigint } {
  const limit = 10n ** BigInt(digits) - 1n;
  const lows = [
    Math.ceil(range.minimum ?? -Infinity),
    range.exclusiveMinimum === undefined ? -Infinity : Math.floor(range.exclusiveMinimum) + 1,
  ];
  const highs = [
    Math.floor(range.maximum ?? Infinity),
    range.exclusiveMaximum === undefined ? Infinity : Math.ceil(range.exclusiveMaximum) - 1,
  ];
  const [low, high] = [Math.max(...lows), Math.min(...highs)];
  const least = Number.isFinite(high) && BigInt(high) < -limit ? BigInt(high) : -limit;
  const most = Number.isFinite(low) && BigInt(low) > limit ? BigInt(low) : limit;
  return {
    low: Number.isFinite(low) ? BigInt(low) : least,
    high: Number.isFinite(high) ? BigInt(high) : most,
  };
}

/** Undefined: there is no whole number in the range. */
export function integers(range: NumberRange, digits: number): Expression | undefined {
  const { low, high } = wholeBounds(range, digits);
  if (low > high) {
    return undefined;
  }
  const parts = high >= 0n ? naturals(low > 0n ? low : 0n, high) : [];
  if (low < 0n) {
    parts.push(sequence(text('-'), choice(...naturals(high < 0n ? -high : 1n, -low))));
  }
  return choice(...parts);
}

/**
 * Whole numbers in the range, and fractions between two successive whole numbers of which both lie in the range: always right, though
 * not all that would be. Undefined: there are none.
 */
export function numbers(range: NumberRange, digits: number): Expression | undefined {
  const closed = {
    minimum: range.minimum ?? range.exclusiveMinimum,
    maximum: range.maximum ?? range.exclusiveMaximum,
  };
  const { low, high } = wholeBounds(closed, digits);
  // Not zero, so that the number lies between the whole ones.
  const fraction = sequence(text('.'), repeat(digit, 0, digits - 1), characters('1-9'));
  const parts: Expression[] = [];
  if (high - 1n >= 0n && high - 1n >= low) {
    parts.push(sequence(choice(...naturals(low > 0n ? low : 0n, high - 1n)), fraction));
  }
  if (low + 1n <= 0n && low + 1n <= high) {
    parts.push(sequence(text('-'), choice(...naturals(high < 0n ? -high : 0n, -low - 1n)), fraction));
  }
  const whole = integers(range, digits);
  const all = whole === undefined ? parts : [whole, ...parts];
  return all.length === 0 ? undefined : choice(...all);
}

/** Without limits: shorter to write, and to read. */
export function anyNumber(digits: number, whole: boolean): Expression {
  const integer = choice(text('0'), sequence(characters('1-9'), repeat(digit, 0, digits - 1)));
  const positive = sequence(
    integer,
    whole ? text('') : optional(sequence(text('.'), repeat(digit, 1, digits))),
  );
  const negative = whole
    ? sequence(text('-'), characters('1-9'), repeat(digit, 0, digits - 1))
    : sequence(text('-'), integer, text('.'), repeat(digit, 0, digits - 1), characters('1-9'));
  const negativeWhole = sequence(text('-'), characters('1-9'), repeat(digit, 0, digits - 1));
  return whole ? choice(positive, negative) : choice(positive, negative, negativeWhole);
}
