/** What a model is asked for a plan, the only form in which it can answer, and what it has said. Pure. */
import {
  characters,
  choice,
  optional,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Grammar,
} from '../../grammar/grammar';

export interface SaidFile {
  readonly path: string;
  readonly purpose: string;
}

/** Files that a model may plan at once. */
export const mostPlanned = 12;
const mostLevels = 6;
const longestPurpose = 120;

/**
 * A line a file, `- path: purpose`. Names are made of characters that every file system and every reader takes for what they are; no path
 * can begin with a slash, hold an empty name, `..`, or a name that ends with a dot. `begins`: paths begin with one of these ('src/'); empty =
 * with anything.
 */
export function planGrammar(begins: readonly string[]): Grammar {
  const word = repeat(characters('A-Za-z0-9_()[]$@+-'), 1, 40);
  const name: Expression = sequence(
    optional(text('.')),
    sequence(characters('A-Za-z0-9_([$@'), repeat(characters('A-Za-z0-9_()[]$@+-'), 0, 39)),
    repeat(sequence(text('.'), word), 0, 4),
  );
  const path = sequence(rule('name'), repeat(sequence(text('/'), rule('name')), 0, mostLevels - 1));
  const [first, ...others] = begins.map((begin) => text(begin));
  const whole =
    first === undefined ? path : sequence(others.length === 0 ? first : choice(first, ...others), path);
  const seen = characters('\u0000-\u0020\u007f-\u00a0\u2028\u2029', true);
  const inLine = characters('\u0000-\u001f\u007f-\u009f\u2028\u2029', true);
  return {
    root: 'root',
    rules: {
      name,
      line: sequence(text('- '), whole, text(': '), seen, repeat(inLine, 0, longestPurpose - 1)),
      root: sequence(rule('line'), repeat(sequence(text('\n'), rule('line')), 0, mostPlanned - 1)),
    },
  };
}

/** What was said under the grammar; a line that is not whole is none. */
export function readPlan(said: string): readonly SaidFile[] {
  return said.split('\n').flatMap((line) => {
    const [, path = '', purpose = ''] = /^- (.+?): (.+)$/.exec(line) ?? [];
    return path === '' ? [] : [{ path, purpose: purpose.trim() }];
  });
}

export const planSystem =
  'You plan files for a software project. Answer with a list alone, one line for each file that has to be written: "- path: purpose". Paths begin at the ' +
  'workspace’s folder and use forward slashes; the purpose is a few words. Plan as few files as do the job, one where one is enough, in the order in which ' +
  'they are to be written: what others use comes first. Follow the names and folders that the project has.';

export interface PlanQuestion {
  readonly request: string;
  /** What the user wants the model to see; '' = nothing. */
  readonly attached: string;
  /** '' = anywhere. */
  readonly folder: string;
  /** Names in that folder. */
  readonly beside: readonly string[];
  /** Other paths of the workspace; cut to what fits. */
  readonly listing: readonly string[];
  readonly more: boolean;
  /** A sentence or two, or ''. */
  readonly naming: string;
}

export function planQuestion({
  request,
  attached,
  folder,
  beside,
  listing,
  more,
  naming,
}: PlanQuestion): string {
  const where = folder === '' ? 'the workspace’s folder' : folder;
  return [
    ...(listing.length === 0 ? [] : [`Files of the project:\n${listing.join('\n')}${more ? '\n…' : ''}`]),
    ...(beside.length === 0 ? [] : [`Files in ${where}:\n${beside.join('\n')}`]),
    ...(naming === '' ? [] : [naming]),
    ...(folder === '' ? [] : [`The files belong into ${folder}.`]),
    ...(attached === '' ? [] : [attached.trimEnd()]),
    `What is wanted:\n${request.trim()}`,
    'List the files that have to be written.',
  ].join('\n\n');
}
