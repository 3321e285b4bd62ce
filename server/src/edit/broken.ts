/** Errors of the syntax that a change adds. */
import { applyEdits, linesOf, type EditProblem, type TextEdits } from '#protocol';
import { addedFaults, type Syntax } from '../syntax';

const mostShown = 20;

/** In lines of the changed text; empty where nobody knows the language's grammar. */
export async function brokenBy(
  syntax: Pick<Syntax, 'faultsOf'>,
  { text, languageId }: { readonly text: string; readonly languageId: string },
  edits: TextEdits,
): Promise<readonly EditProblem[]> {
  const changed = applyEdits(text, edits);
  const after = await syntax.faultsOf(changed, languageId);
  if (after === undefined || after.length === 0) {
    return [];
  }
  const before = await syntax.faultsOf(text, languageId);
  return addedFaults(before ?? [], linesOf(text), after, linesOf(changed)).slice(0, mostShown);
}
