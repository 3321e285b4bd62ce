/** Grammars at random, texts of them, and a second reader that shares nothing with the machine under test. */
import type { Expression, Grammar } from '../../../server/src/grammar/grammar';
import { Vocabulary } from '../../../server/src/grammar/vocabulary';
import type { Random } from '../../support/random';

const letters = ['a', 'b', 'c', '"', '{', '}', ' ', '\n', 'é', '日', '😀', '0', '9'];
const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)] as T;
const word = (random: Random, most: number): string =>
  Array.from({ length: 1 + random.below(most) }, () => pick(random, letters)).join('');

function randomExpression(random: Random, depth: number, laterRules: readonly string[]): Expression {
  const inner = (): Expression => randomExpression(random, depth - 1, laterRules);
  const several = (): Expression[] => Array.from({ length: 1 + random.below(3) }, inner);
  switch (depth <= 0 ? random.below(2) : random.below(11)) {
    case 0:
      return { kind: 'text', text: word(random, 4) };
    case 1: {
      const points = [word(random, 1), word(random, 1)].map((letter) => letter.codePointAt(0) ?? 0);
      const range = [Math.min(...points), Math.max(...points)] as const;
      return random.below(4) === 0
        ? { kind: 'character', ranges: [range], except: true }
        : { kind: 'character', ranges: [range] };
    }
    case 2:
    case 3:
      return { kind: 'sequence', of: several() };
    case 4:
      return { kind: 'choice', of: several() };
    case 5: {
      const least = random.below(3);
      return random.below(3) === 0
        ? { kind: 'repeat', of: inner(), least }
        : { kind: 'repeat', of: inner(), least, most: least + random.below(4) };
    }
    case 6:
      return laterRules.length > 0 ? { kind: 'rule', name: pick(random, laterRules) } : inner();
    case 7:
      return {
        kind: 'lines',
        of: `${word(random, 3)}\n${word(random, 3)}\n\n${word(random, 3)}`,
        most: 1 + random.below(3),
      };
    case 8:
      return {
        kind: 'lines',
        of: `${someLines(random)}\n${word(random, 3)}x`,
        most: 1 + random.below(4),
        unique: true,
      };
    case 9:
      return {
        kind: 'pieces',
        of: someLines(random),
        ...(random.below(2) === 0 ? {} : { most: 1 + random.below(3) }),
        begin: { kind: 'text', text: '<<' },
        then: { kind: 'sequence', of: [{ kind: 'text', text: '>' }, inner()] },
      };
    default:
      return {
        kind: 'free',
        tags: [{ begin: `<${pick(random, ['x', 'yz', '<q'])}>`, then: inner() }],
        required: random.below(2) === 0,
      };
  }
}

/** Lines of which some are there several times, and some empty. */
function someLines(random: Random): string {
  const kinds = ['a', 'ab', 'a b', '', ' ', '日', 'c'];
  return Array.from({ length: 2 + random.below(6) }, () => pick(random, kinds)).join('\n');
}

interface Run {
  readonly first: number;
  readonly count: number;
  readonly said: string;
}

/** All runs of lines of a text; with `unique` those that stand at one place alone and are not blank. By comparing all with all. */
export function runsOf(text: string, most: number, unique: boolean): readonly Run[] {
  const lines = text.replace(/\n$/, '').split('\n');
  const runs: Run[] = [];
  for (let first = 0; first < lines.length; first += 1) {
    for (let count = 1; first + count <= lines.length; count += 1) {
      runs.push({ first, count, said: lines.slice(first, first + count).join('\n') });
    }
  }
  return runs.filter(
    ({ count, said }) =>
      count <= most &&
      (!unique || (said.trim() !== '' && runs.filter((other) => other.said === said).length === 1)),
  );
}

export function randomGrammar(random: Random): Grammar {
  const rules: Record<string, Expression> = {};
  // Right recursion, which comes to an end.
  rules['r3'] = {
    kind: 'choice',
    of: [
      { kind: 'text', text: 'z' },
      {
        kind: 'sequence',
        of: [
          { kind: 'text', text: 'y' },
          { kind: 'rule', name: 'r3' },
        ],
      },
    ],
  };
  for (let i = 2; i >= 0; i -= 1) {
    rules[`r${String(i)}`] = randomExpression(
      random,
      3,
      Array.from({ length: 3 - i }, (_, k) => `r${String(i + 1 + k)}`),
    );
  }
  return { root: 'r0', rules };
}

/** A text that follows the expression. */
export function sample(expression: Expression, { rules }: Grammar, random: Random): string {
  const say = (part: Expression): string => sample(part, { root: '', rules }, random);
  switch (expression.kind) {
    case 'text':
      return expression.text;
    case 'character': {
      const { ranges, except = false } = expression;
      const isIn = (point: number): boolean => ranges.some(([from, to]) => point >= from && point <= to);
      for (;;) {
        const [from, to] = pick(random, ranges);
        const point = except
          ? pick(random, [0x21, 0x7e, 0x62, 0x3042, 0x10ffff, 0x7f, 0x800])
          : from + random.below(to - from + 1);
        if (isIn(point) !== except && (point < 0xd800 || point > 0xdfff)) {
          return String.fromCodePoint(point);
        }
      }
    }
    case 'sequence':
      return expression.of.map(say).join('');
    case 'choice':
      return say(pick(random, expression.of));
    case 'repeat': {
      const { least, most = least + 3 } = expression;
      const times = least + random.below(Math.min(most - least, 6) + 1);
      return Array.from({ length: times }, () => say(expression.of)).join('');
    }
    case 'rule':
      return say(rules[expression.name] as Expression);
    case 'free': {
      const tag = (): string => {
        const { begin, then } = pick(random, expression.tags);
        return begin + say(then);
      };
      const noise = pick(random, ['', 'a', '<', '<<', 'n o', 'é']);
      return noise + (expression.required === true || random.below(2) === 0 ? tag() : '');
    }
    case 'lines':
      return pick(random, runsOf(expression.of, expression.most ?? Infinity, expression.unique ?? false))
        .said;
    case 'pieces': {
      const runs = runsOf(expression.of, expression.most ?? Infinity, true);
      let text = '';
      for (let from = 0; ;) {
        const left = runs.filter(({ first }) => first >= from);
        if (left.length === 0 || random.below(3) === 0) {
          return text;
        }
        const { first, count, said } = pick(random, left);
        text += say(expression.begin) + said + say(expression.then);
        from = first + count;
      }
    }
  }
}

/** Where in `text` an expression that begins at `from` may end. Tries everything, character by character. */
function ends(
  expression: Expression,
  rules: Grammar['rules'],
  text: readonly string[],
  from: number,
): Set<number> {
  switch (expression.kind) {
    case 'text': {
      const wanted = Array.from(expression.text);
      return wanted.every((character, i) => text[from + i] === character)
        ? new Set([from + wanted.length])
        : new Set();
    }
    case 'character': {
      const point = text[from]?.codePointAt(0);
      const isIn = expression.ranges.some(
        ([low, high]) => point !== undefined && point >= low && point <= high,
      );
      return point !== undefined && isIn !== (expression.except ?? false) ? new Set([from + 1]) : new Set();
    }
    case 'sequence':
      return expression.of.reduce(
        (places, part) => new Set([...places].flatMap((place) => [...ends(part, rules, text, place)])),
        new Set([from]),
      );
    case 'choice':
      return new Set(expression.of.flatMap((part) => [...ends(part, rules, text, from)]));
    case 'repeat': {
      const { least, most = least + text.length + 1 } = expression;
      let places = new Set([from]);
      const found = new Set(least === 0 ? [from] : []);
      for (let i = 1; i <= most && places.size > 0; i += 1) {
        places = new Set([...places].flatMap((place) => [...ends(expression.of, rules, text, place)]));
        places.forEach((place) => i >= least && found.add(place));
      }
      return found;
    }
    case 'rule':
      return ends(rules[expression.name] as Expression, rules, text, from);
    case 'free': {
      const found = new Set<number>();
      for (let to = from; to <= text.length; to += 1) {
        const said = text.slice(from, to).join('');
        const tag = expression.tags.find(({ begin }) => said.endsWith(begin));
        if (tag !== undefined) {
          for (const place of ends(tag.then, rules, text, to)) {
            ends({ ...expression, required: false }, rules, text, place).forEach((end) => found.add(end));
          }
          break;
        }
        if (expression.required !== true) {
          found.add(to);
        }
      }
      return found;
    }
    case 'lines': {
      const runs = runsOf(expression.of, expression.most ?? Infinity, expression.unique ?? false);
      return new Set(runs.flatMap(({ said }) => [...ends({ kind: 'text', text: said }, rules, text, from)]));
    }
    case 'pieces': {
      const runs = runsOf(expression.of, expression.most ?? Infinity, true);
      const found = new Set([from]);
      const behind = (at: number, line: number): void => {
        for (const { first, count, said } of runs) {
          if (first >= line) {
            const of = [expression.begin, { kind: 'text', text: said } as const, expression.then];
            for (const end of ends({ kind: 'sequence', of }, rules, text, at)) {
              found.add(end);
              behind(end, first + count);
            }
          }
        }
      };
      behind(from, 0);
      return found;
    }
  }
}

export function followsByTrying({ root, rules }: Grammar, text: string): boolean {
  const characters = Array.from(text);
  return ends({ kind: 'rule', name: root }, rules, characters, 0).has(characters.length);
}

/** All bytes, and words of several bytes, some of which end within a character, some of which are there twice; the last is no text. */
export function smallVocabulary(): Vocabulary {
  const words = [
    'ab',
    'abc',
    'a"',
    '{"',
    '":',
    '"}',
    '\n\n',
    '😀',
    'éé',
    'cab',
    'ab',
    'xyzzyxyzzyxyzzyxyzzyxyzzyxyzzy',
    'aaaa',
    '<x>',
  ];
  const tokens = [
    ...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)),
    ...words.map((each) => Buffer.from(each)),
    Buffer.from('日').subarray(0, 2),
    Buffer.from('a日').subarray(1, 3),
    Buffer.from('<|end|>'),
  ];
  let end = 0;
  const ends = Uint32Array.from(tokens, (bytes) => (end += bytes.length));
  const control = Uint8Array.from(tokens, (_, i) => (i === tokens.length - 1 ? 1 : 0));
  return new Vocabulary({ bytes: Buffer.concat(tokens), ends, control });
}
