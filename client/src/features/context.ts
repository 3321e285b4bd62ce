/**
 * Where names are defined, as the language features in this editor know it: for the server, which may show a model the definitions of
 * what is used at the cursor. Nothing is asked in a workspace that is not trusted, and nothing outside the workspace is told of.
 */
import {
  commands,
  Location,
  workspace,
  type CancellationToken,
  type LocationLink,
  type Position,
  type Range,
  type TextDocument,
  type Uri,
} from 'vscode';

export interface DefinitionPlace {
  readonly uri: Uri;
  /** From 0, the end not included. */
  readonly startLine: number;
  readonly endLine: number;
}

export interface FoundDefinitions {
  /** One list for each position. */
  readonly places: readonly (readonly DefinitionPlace[])[];
  /** Whether every position was answered in time. */
  readonly complete: boolean;
}

/** All of it: later the answer is of no use. */
const budgetMs = 150;
/** Language servers answer one after the other; the first positions are the most important. */
const lanes = 4;
const mostPlaces = 4;

function linesOf(uri: Uri, range: Range): DefinitionPlace {
  // A range that ends at a line's beginning does not include it.
  const ends =
    range.end.character === 0 && range.end.line > range.start.line ? range.end.line : range.end.line + 1;
  return { uri, startLine: range.start.line, endLine: ends };
}

function placeOf(found: Location | LocationLink): DefinitionPlace {
  return found instanceof Location
    ? linesOf(found.uri, found.range)
    : linesOf(found.targetUri, found.targetRange);
}

async function definitionsAt(
  document: TextDocument,
  position: Position,
): Promise<readonly DefinitionPlace[]> {
  const found = await commands.executeCommand<readonly (Location | LocationLink)[] | undefined>(
    'vscode.executeDefinitionProvider',
    document.uri,
    position,
  );
  return (found ?? [])
    .map(placeOf)
    .filter(
      ({ uri }) =>
        uri.toString() !== document.uri.toString() && workspace.getWorkspaceFolder(uri) !== undefined,
    )
    .slice(0, mostPlaces);
}

interface End {
  /** Resolves when the time is over or nobody wants to know any more. */
  readonly promise: Promise<void>;
  isOver(): boolean;
  now(): void;
}

function timeOver(token: CancellationToken): End {
  let over = token.isCancellationRequested;
  let now = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    now = () => {
      over = true;
      clearTimeout(timer);
      subscription.dispose();
      resolve();
    };
    const timer = setTimeout(now, budgetMs);
    const subscription = token.onCancellationRequested(now);
  });
  return { promise, isOver: () => over, now };
}

export async function findDefinitions(
  uri: Uri,
  version: number,
  positions: readonly Position[],
  token: CancellationToken,
): Promise<FoundDefinitions> {
  const document = workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
  const places: (readonly DefinitionPlace[])[] = positions.map(() => []);
  if (!workspace.isTrusted || document?.version !== version) {
    return { places, complete: document?.version === version };
  }
  const end = timeOver(token);
  let next = 0;
  let answered = 0;
  const work = async (): Promise<void> => {
    while (next < positions.length && !end.isOver()) {
      const i = next;
      next += 1;
      // A provider that fails knows nothing, now and later.
      const found = await definitionsAt(document, positions[i] as Position).catch(() => []);
      if (!end.isOver()) {
        places[i] = found;
        answered += 1;
      }
    }
  };
  await Promise.race([Promise.all(Array.from({ length: lanes }, work)), end.promise]);
  end.now();
  return { places: [...places], complete: answered === positions.length };
}
