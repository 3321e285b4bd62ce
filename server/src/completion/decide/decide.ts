/** From what was proposed to what is shown: all filters in their order, and what each of them did. */
import type { CursorText } from '../../prompt';
import type { Scope } from '../../syntax';
import { fitToCursor } from '../fit';
import { balanced } from './balance';
import { indented } from './indentation';
import { withoutRepetition } from './repetition';
import { cutAtBlockEnd, linesFor } from './scope';

export interface DecidePolicy {
  /** Most lines where the body of a block is to be written; elsewhere it is one. */
  readonly maxLines: number;
  /** The text is what is left of an earlier suggestion: where it ends was decided then. */
  readonly typedAlong?: boolean;
}

export type FilterName = 'lines' | 'block end' | 'repetition' | 'indentation' | 'fit' | 'balance';

/** A filter that changed something. Filters that did not are left out. */
export interface FilterStep {
  readonly filter: FilterName;
  /** The text behind it; '' = it left nothing. */
  readonly text: string;
}

export type Decision =
  | {
      readonly text: string;
      /** Characters behind the cursor that the text replaces. */
      readonly replaced: number;
      readonly steps: readonly FilterStep[];
    }
  | {
      /** For people: why there is nothing to show. */
      readonly dropped: string;
      readonly steps: readonly FilterStep[];
    };

const nothingLeft: Readonly<Record<FilterName, string>> = {
  lines: 'there is nothing but white space',
  'block end': 'the block ends at once',
  repetition: 'it repeats what follows the cursor',
  indentation: 'there is nothing but white space',
  fit: 'it says nothing that is not there already',
  balance: 'it would leave brackets or quotes unbalanced',
};

/**
 * `generated`: line breaks are '\n'. The text that comes out has the document's. One that is typed along (a rest of an earlier
 * suggestion) goes through the same filters.
 */
export function decide(generated: string, cursor: CursorText, scope: Scope, policy: DecidePolicy): Decision {
  const steps: FilterStep[] = [];
  let text = generated;
  const drop = (filter: FilterName): Decision => ({ dropped: nothingLeft[filter], steps });
  /** Whether there is something left. */
  const pass = (filter: FilterName, next: string): boolean => {
    if (next !== text) {
      text = next;
      steps.push({ filter, text });
    }
    return text.trim() !== '';
  };

  const earlier = policy.typedAlong === true;
  const lines = earlier ? Infinity : linesFor(scope, policy.maxLines);
  if (!pass('lines', text.split('\n').slice(0, lines).join('\n').trimEnd())) {
    return drop('lines');
  }
  if (!pass('block end', earlier ? text : cutAtBlockEnd(text, scope, cursor.before).text)) {
    return drop('block end');
  }
  if (!pass('repetition', withoutRepetition(text, cursor))) {
    return drop('repetition');
  }
  if (!pass('indentation', indented(text, cursor, scope))) {
    return drop('indentation');
  }
  const fitted = fitToCursor(text, cursor);
  let replaced = fitted?.replaced ?? 0;
  const same = fitted?.text === cursor.restOfLine.slice(0, replaced);
  if (!pass('fit', fitted === undefined || same ? '' : fitted.text)) {
    return drop('fit');
  }
  const checked = balanced(text, cursor.before, replaced, scope);
  if (replaced > 0 && checked !== text) {
    // What was to be replaced stays, and the text ends before it: brackets behind the cursor are not lost.
    replaced = 0;
    if (!pass('balance', balanced(text, cursor.before, 0, scope))) {
      return drop('balance');
    }
  } else if (!pass('balance', checked)) {
    return drop('balance');
  }
  return { text: scope.lineBreak === '\n' ? text : text.replaceAll('\n', '\r\n'), replaced, steps };
}
