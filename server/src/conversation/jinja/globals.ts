/** What templates may call, as transformers gives it to them. */
import { plain } from '../marks';
import { loopItems } from './filters';
import { Callable, fault, isDict, Namespace, numberOf, str, Tuple, type Value } from './values';

/** A template's own refusal: what it says is for people. */
export class TemplateRefusal extends Error {}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** strftime in the C locale, local time. A minus takes the padding off. */
export function strftime(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = days[date.getDay()] ?? '';
  const month = months[date.getMonth()] ?? '';
  const hour = date.getHours();
  const begin = new Date(date.getFullYear(), 0, 1);
  const ofYear =
    Math.round(
      (new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() - begin.getTime()) /
        86_400_000,
    ) + 1;
  const written: Readonly<Record<string, string>> = {
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    B: month,
    d: two(date.getDate()),
    e: String(date.getDate()).padStart(2, ' '),
    H: two(hour),
    I: two(hour % 12 === 0 ? 12 : hour % 12),
    j: String(ofYear).padStart(3, '0'),
    m: two(date.getMonth() + 1),
    M: two(date.getMinutes()),
    p: hour < 12 ? 'AM' : 'PM',
    S: two(date.getSeconds()),
    y: two(date.getFullYear() % 100),
    Y: String(date.getFullYear()),
    F: `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    T: `${two(hour)}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    '%': '%',
  };
  return format.replace(/%(-?)([a-zA-Z%])/g, (all, minus: string, letter: string) => {
    const text = Object.hasOwn(written, letter) ? (written[letter] ?? '') : all;
    return minus === '' ? text : text.replace(/^[0 ]+(?=.)/, '');
  });
}

/** Python's sandbox allows no longer ones. */
const longestRange = 100_000;

function range(args: readonly Value[]): Value {
  const numbers = args.map((value) => numberOf(value) ?? fault('range() takes integers'));
  const [start, stop, step] =
    numbers.length === 1 ? [0, numbers[0] ?? 0, 1] : [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 1];
  const length =
    step === 0 ? fault('range() arg 3 must not be zero') : Math.max(0, Math.ceil((stop - start) / step));
  return length > longestRange ? fault('Range too big') : Array.from({ length }, (_, i) => start + i * step);
}

function pairs(value: Value): [string, Value][] {
  if (isDict(value)) {
    return [...value];
  }
  return loopItems(value).map((pair) => {
    const [key, item] = pair instanceof Tuple ? pair.items : loopItems(pair);
    return [str(key), item];
  });
}

export function globals(now: Date): Map<string, Value> {
  const functions = [
    new Callable('range', range),
    new Callable('namespace', ([from], keywords) => new Namespace(new Map([...pairs(from), ...keywords]))),
    new Callable('dict', ([from], keywords) => new Map([...pairs(from), ...keywords])),
    new Callable('raise_exception', ([message]) => {
      throw new TemplateRefusal(plain(str(message)));
    }),
    new Callable('strftime_now', ([format]) => strftime(now, plain(str(format)))),
  ];
  return new Map(functions.map((item) => [item.name, item]));
}
