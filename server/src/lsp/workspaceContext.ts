/** Tells the context planner what happens in the editor, and asks the editor for it where names are defined. */
import { DefinitionsRequest, RefusalRequest, type ServerSettings } from '#protocol';
import { CancellationTokenSource, type Connection, type TextDocuments } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Place } from '../completion';
import {
  ContextPlanner,
  type AskDefinitions,
  type Chunker,
  type DefinitionAnswer,
  type DefinitionPlace,
} from '../workspace';

export interface WorkspaceContextDeps {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  /** Whether the client answers DefinitionsRequest. */
  readonly answersDefinitions: boolean;
  /** Cuts texts into blocks; absent = by blank lines and indentation. */
  readonly chunker?: Chunker;
  /** Whether the loaded model is shown other files at all. */
  readonly isShown: () => boolean;
}

/** Milliseconds. The client ends after 150 by itself; who has not answered by then is not waited for. */
const patienceMs = 400;
const mostPlaces = 8;

function readPlace(value: unknown): readonly DefinitionPlace[] {
  const { uri, startLine, endLine } = (value ?? {}) as Record<string, unknown>;
  return typeof uri === 'string' &&
    Number.isInteger(startLine) &&
    Number.isInteger(endLine) &&
    (startLine as number) >= 0 &&
    (endLine as number) > (startLine as number)
    ? [{ uri, startLine: startLine as number, endLine: endLine as number }]
    : [];
}

/** Whoever speaks the protocol may answer anything. */
function readAnswer(value: unknown, positions: number): DefinitionAnswer {
  const { places, complete } = (value ?? {}) as { places?: unknown; complete?: unknown };
  const lists: unknown[] = Array.isArray(places) ? places : [];
  return {
    places: Array.from({ length: positions }, (_, i) => {
      const list: unknown = lists[i];
      return Array.isArray(list) ? list.slice(0, mostPlaces).flatMap(readPlace) : [];
    }),
    complete: complete === true,
  };
}

function asking(connection: Connection): AskDefinitions {
  return async (uri, version, positions, signal) => {
    const cancel = new CancellationTokenSource();
    const giveUp = (): void => {
      cancel.cancel();
    };
    const timer = setTimeout(giveUp, patienceMs);
    signal.addEventListener('abort', giveUp);
    try {
      const params = {
        uri,
        version,
        positions: positions.map(({ line, character }) => ({ line, character })),
      };
      const answer: unknown = await connection.sendRequest(DefinitionsRequest.type, params, cancel.token);
      return readAnswer(answer, positions.length);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      cancel.dispose();
    }
  };
}

export interface WorkspaceContext {
  readonly planner: ContextPlanner;
  /** Settings or folders (URIs) are others. */
  configure(settings: ServerSettings, folders: readonly string[]): void;
  refused(uri: string): Promise<boolean>;
  /** What WarmUp does before a place is evaluated. */
  prepare(place: Place, signal: AbortSignal): Promise<boolean>;
}

export function registerWorkspaceContext(deps: WorkspaceContextDeps): WorkspaceContext {
  const { connection, documents, answersDefinitions, isShown } = deps;
  const planner = new ContextPlanner({
    ask: answersDefinitions ? asking(connection) : () => Promise.resolve(undefined),
    ...(deps.chunker && { chunker: deps.chunker }),
  });
  const refused = async (uri: string): Promise<boolean> => (await planner.refusal(uri)) !== undefined;
  documents.onDidOpen(({ document }) => {
    planner.opened(document);
  });
  documents.onDidChangeContent(({ document }) => {
    planner.changed(document.uri);
  });
  documents.onDidClose(({ document }) => {
    planner.closed(document.uri);
  });
  connection.onRequest(
    RefusalRequest.type,
    async (params: Partial<RefusalRequest.Params> | undefined): Promise<RefusalRequest.Result> => {
      const uri: unknown = params?.uri; // whoever speaks the protocol may have sent anything
      return { reason: (typeof uri === 'string' ? await planner.refusal(uri) : undefined) ?? '' };
    },
  );
  return {
    planner,
    configure: ({ context }, folders) => {
      planner.configure({ ...context, folders });
    },
    refused,
    prepare: async ({ document, offset }, signal) => {
      if (offset !== undefined && isShown()) {
        await planner.refresh({ ...document, offset }, signal);
      } else {
        await planner.renew(document.uri);
      }
      return !(await refused(document.uri));
    },
  };
}
