/** Tells the warm-up what happens in the editor: documents that open and change, where the cursor is. */
import { CursorNotification, type ServerSettings } from '#protocol';
import type { Connection, Position, TextDocuments } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { WarmUp } from '../completion';
import { isEnabled, snapshotOf } from './inlineCompletion';

export interface WarmUpDeps {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  readonly warmUp: WarmUp;
  readonly settings: () => ServerSettings;
  /** URIs. */
  readonly workspaceFolders: () => readonly string[];
  /** Told where the user's cursor is. */
  readonly onCursor: (uri: string) => void;
}

/** Whoever speaks the protocol may send anything. */
function readCursor(value: unknown): { readonly uri: string; readonly position: Position } | undefined {
  const { uri, position } = (value ?? {}) as {
    uri?: unknown;
    position?: { line?: unknown; character?: unknown };
  };
  const { line, character } = position ?? {};
  return typeof uri === 'string' && Number.isInteger(line) && Number.isInteger(character)
    ? { uri, position: { line: line as number, character: character as number } }
    : undefined;
}

/** Returns what is to be called with every request for a completion. */
export function registerWarmUp(deps: WarmUpDeps): (uri: string, position: Position) => void {
  const { connection, documents, warmUp, settings, workspaceFolders } = deps;
  const cursors = new Map<string, Position>();
  const expect = (uri: string, soon = false): void => {
    warmUp.expect(() => {
      const document = documents.get(uri);
      if (document === undefined || !isEnabled(settings(), document.languageId)) {
        return undefined;
      }
      const position = cursors.get(uri);
      return {
        document: snapshotOf(document, workspaceFolders()),
        offset: position && document.offsetAt(position),
        maxTokens: settings().completion.maxTokens,
      };
    }, soon);
  };
  documents.onDidOpen(({ document }) => {
    expect(document.uri);
  });
  documents.onDidChangeContent(() => {
    warmUp.touch();
  });
  documents.onDidClose(({ document }) => {
    cursors.delete(document.uri);
  });
  connection.onNotification(CursorNotification.type, (value: unknown) => {
    const cursor = readCursor(value);
    if (cursor !== undefined && documents.get(cursor.uri) !== undefined) {
      // On another line than the last completion: somebody has gone there, and the client has waited until the cursor rests.
      const elsewhere = cursors.get(cursor.uri)?.line !== cursor.position.line;
      cursors.set(cursor.uri, cursor.position);
      deps.onCursor(cursor.uri);
      expect(cursor.uri, elsewhere);
    }
  });
  return (uri, position) => {
    cursors.set(uri, position);
    warmUp.touch();
  };
}
