/** Places where nothing is suggested, whatever a model would say. */
import type { Scope } from '../../syntax';

export interface QuietPlaces {
  readonly inComments: boolean;
  readonly inStrings: boolean;
}

/** Characters. Beyond, every keystroke would copy and search megabytes. */
const largestText = 4_000_000;
/** Characters. Lines are not written by people at this length: data, or minified code. */
const longestLine = 5_000;
/** Characters at the beginning in which a file betrays that it is none of text. */
const headLength = 4_096;

/** Why nothing is suggested in this text; undefined = something may be. */
export function unfitText(text: string, offset: number): string | undefined {
  if (text.length > largestText) {
    return 'the file is very large';
  }
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  if ((end < 0 ? text.length : end) - start > longestLine) {
    return 'the line is very long';
  }
  if (text.slice(0, headLength).includes('\0')) {
    return 'the file is not text';
  }
  return undefined;
}

/** Why nothing is suggested at this place; undefined = something may be. */
export function quietPlace(scope: Scope, { inComments, inStrings }: QuietPlaces): string | undefined {
  if (scope.kind === 'comment' && !inComments) {
    return 'completions in comments are off';
  }
  return scope.kind === 'string' && !inStrings ? 'completions in strings are off' : undefined;
}
