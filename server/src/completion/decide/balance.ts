/**
 * A suggestion leaves no bracket and no quote unbalanced with what stands around the cursor: it may close what is open before the
 * cursor and not closed behind it, and may open what is closed behind the cursor and not opened before it. What goes beyond is cut.
 */
import { partnerOf, scan, traitsOf, type CloseBracket, type OpenBracket, type Scope } from '../../syntax';

interface Allowed {
  /** Opening brackets that may be closed, innermost first. */
  readonly unclosed: readonly string[];
  /** Those around them that are closed behind the cursor: who closes one opens another (`} else {`). */
  readonly enclosing: readonly string[];
  /** Closing brackets whose partners may be left open, innermost first. */
  readonly owed: readonly string[];
}

/**
 * Pairs what is open before the cursor with what closes behind it. Columns tell a bracket that lacks its partner from one whose
 * partner is further out: `}` alone in a line closes what was opened in a line with as many. `lineStart`: what was opened behind
 * it closes in its own line, and not below; Infinity = it may close below.
 */
function pair(
  open: readonly OpenBracket[],
  close: readonly CloseBracket[],
  complete: boolean,
  lineStart: number,
): Allowed {
  const unclosed: string[] = [];
  const owed: string[] = [];
  const enclosing: string[] = [];
  let next = 0;
  let lastOwed = -1;
  for (const { char, at, indent } of close) {
    if (lastOwed >= 0 && at === lastOwed + 1) {
      owed.push(char); // `})` as a whole
      lastOwed = at;
      continue;
    }
    if (indent >= 0) {
      for (let outer = open[next]; outer !== undefined; outer = open[next]) {
        if (outer.indent <= indent && outer.at < lineStart) {
          break;
        }
        unclosed.push(outer.char);
        next += 1;
      }
    }
    const candidate = open[next];
    const fits = candidate !== undefined && candidate.char === partnerOf[char];
    // `)` and `]` are often put elsewhere than below the beginning of the line that opened them.
    if (fits && (indent < 0 || char !== '}' || candidate.indent === indent)) {
      enclosing.push(candidate.char);
      next += 1;
    } else if (indent < 0 && open[next + 1]?.char === partnerOf[char]) {
      unclosed.push((candidate as OpenBracket).char);
      enclosing.push((open[next + 1] as OpenBracket).char);
      next += 2;
    } else {
      owed.push(char);
      lastOwed = at;
    }
  }
  // Behind the part of the text that was read there may be more, but hardly what closes a line.
  const rest = open.slice(next);
  const far = complete ? -1 : rest.findIndex(({ char, at }) => char === '{' && at < lineStart);
  const lacking = (far < 0 ? rest : rest.slice(0, far)).map(({ char }) => char);
  return { unclosed: [...unclosed, ...lacking], enclosing, owed };
}

interface Left {
  readonly char: string;
  readonly at: number;
}

interface Read {
  /** Brackets that are left open, outermost first. */
  readonly left: Left[];
  /** Of a closing bracket that has no partner, or the text's end. */
  readonly end: number;
  /** Brackets around the cursor that were closed although they are closed behind it: as many have to be opened again. */
  readonly borrowed: readonly Left[];
  /** Where a string begins that does not end, or the text's end. */
  readonly openString: number;
}

/** What `text` leaves open, up to the first closing bracket that is wrong. */
function read(text: string, before: string, scope: Scope, allowed: Allowed): Read {
  const left: Left[] = [];
  let end = text.length;
  let openString = text.length;
  const borrowed: Left[] = [];
  let closed = 0;
  scan(
    text,
    traitsOf(scope.languageId).lexis,
    {
      bracket: (char, at) => {
        if (at >= end) {
          return;
        }
        if ('([{'.includes(char)) {
          left.push({ char, at });
        } else if (left.length > 0) {
          if (left[left.length - 1]?.char === partnerOf[char]) {
            left.pop();
          } else {
            end = at;
          }
        } else if (allowed.unclosed[closed] === partnerOf[char]) {
          closed += 1;
        } else if (allowed.enclosing[borrowed.length] === partnerOf[char]) {
          borrowed.push({ char, at });
        } else {
          end = at;
        }
      },
      string: (start, _, isClosed) => {
        if (!isClosed) {
          openString = Math.min(openString, start);
        }
      },
    },
    { state: scope.state, preceding: before.slice(-64) },
  );
  return { left: left.filter(({ at }) => at < openString), end, borrowed, openString };
}

function isOwed(left: readonly Left[], owed: readonly string[]): boolean {
  return left.every(({ char }, i) => owed[left.length - 1 - i] === partnerOf[char]);
}

/** Up to what may not be opened. That takes its whole line with it, unless it is the first. */
function beforeOpening(text: string, at: number): string {
  const lineStart = text.lastIndexOf('\n', at - 1);
  return text.slice(0, lineStart > 0 ? lineStart : at).trimEnd();
}

function cutTo(allowed: Allowed, text: string, before: string, scope: Scope): string {
  let kept = text;
  for (;;) {
    const { left, borrowed, openString, ...found } = read(kept, before, scope, allowed);
    // What was closed first is opened again last.
    const owed = [...borrowed.map(({ char }) => char).reverse(), ...allowed.owed];
    let opening = openString;
    while (left.length > 0 && !isOwed(left, owed)) {
      opening = (left.pop() as Left).at;
    }
    const end = Math.min(found.end, borrowed[left.length]?.at ?? found.end);
    const next = opening < end ? beforeOpening(kept, opening) : kept.slice(0, end).trimEnd();
    if (next.length >= kept.trimEnd().length) {
      return kept;
    }
    kept = next;
  }
}

/**
 * `text` without what would leave brackets or quotes unbalanced; '' when nothing is left. `replaced`: characters behind the cursor
 * that the text takes the place of.
 */
export function balanced(text: string, before: string, replaced: number, scope: Scope): string {
  if (!scope.checkable || scope.kind === 'comment') {
    return text;
  }
  const close = scope.close.filter(({ at }) => at >= replaced);
  // What the cursor's line has opened may close in this line or below. Whichever lets the text say more.
  const [first, second] = [Infinity, before.lastIndexOf('\n') + 1].map((lineStart) =>
    cutTo(pair(scope.open, close, scope.closeComplete, lineStart), text, before, scope),
  ) as [string, string];
  return second.length > first.length ? second : first;
}
