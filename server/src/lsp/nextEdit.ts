/** niwaki/nextEdit over NextEdits: follows the documents, and asks the model in the background about what may come next. */
import { NextEditDecidedNotification, NextEditRequest, type ServerSettings } from '#protocol';
import type { CancellationToken, Connection, TextDocuments } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { confidenceOf, gainOf, leastConfidence, mayReach, NextEdits } from '../edit/next';
import { isCancelled, LatestWins, type EnginePort } from '../engine';
import type { ModelHost } from '../models';
import type { Syntax } from '../syntax';
import type { Log } from '../util/log';
import { toSignal } from '../util/signal';
import { isEnabled } from './inlineCompletion';
import { promptPath } from './paths';

export interface NextEditDeps {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  readonly log: Log;
  readonly engine: EnginePort;
  readonly host: ModelHost;
  readonly syntax: Syntax;
  readonly settings: () => ServerSettings;
  /** URIs. */
  readonly workspaceFolders: () => readonly string[];
  /** Whether the machine may be kept busy with what nobody waits for. */
  readonly mayWork: () => Promise<boolean>;
  /** Whether a document is kept from models, whatever the settings say. */
  readonly refused: (uri: string) => Promise<boolean>;
}

/** Whoever speaks the protocol may send anything. */
function readParams(value: unknown): NextEditRequest.Params | undefined {
  const { uri, version, line, character } = (value ?? {}) as Record<string, unknown>;
  return typeof uri === 'string' &&
    Number.isInteger(version) &&
    Number.isInteger(line) &&
    Number.isInteger(character)
    ? { uri, version: version as number, line: line as number, character: character as number }
    : undefined;
}

export function registerNextEdit(deps: NextEditDeps): void {
  const { connection, documents, log, engine, host, syntax, settings, workspaceFolders, mayWork, refused } =
    deps;
  const edits = new NextEdits({
    trees: syntax,
    judge: async (document, candidate, signal) => {
      if (!mayReach(document.text, candidate, leastConfidence)) {
        return 0;
      }
      const path = promptPath(document.uri, workspaceFolders());
      const gain = await gainOf(engine, host, { ...document, path }, candidate, signal);
      return gain === undefined ? 0 : confidenceOf(document.text, candidate, gain); // nothing without the model's word
    },
    least: leastConfidence,
  });
  const running = new LatestWins();
  documents.onDidOpen(({ document }) => {
    edits.opened(document.uri, document.getText());
  });
  documents.onDidChangeContent(() => {
    running.abort();
  });
  documents.onDidClose(({ document }) => {
    edits.closed(document.uri);
  });
  const next = async (
    { uri, version, line, character }: NextEditRequest.Params,
    signal: AbortSignal,
  ): Promise<NextEditRequest.Result> => {
    const document = documents.get(uri);
    const wanted = (): boolean => document?.version === version && !signal.aborted;
    if (document === undefined || !wanted() || !isEnabled(settings(), document.languageId)) {
      return null;
    }
    const { languageId } = document;
    const text = document.getText();
    if ((await refused(uri)) || !wanted()) {
      return null;
    }
    if (!(await mayWork())) {
      // What is changed meanwhile is no news once the machine may work again.
      edits.seen(uri, text);
      return null;
    }
    if (!wanted()) {
      return null;
    }
    const cursor = document.offsetAt({ line, character });
    const offer = await edits.next({ uri, languageId, text }, cursor, signal);
    if (offer === undefined || !wanted()) {
      return null;
    }
    const { start, end, before, confidence } = offer;
    return {
      uri,
      version,
      edit: { start, end, text: offer.text },
      ...document.positionAt(start),
      before,
      confidence,
    };
  };
  connection.onRequest(
    NextEditRequest.type,
    async (value: unknown, token: CancellationToken): Promise<NextEditRequest.Result> => {
      const params = readParams(value);
      try {
        return params === undefined
          ? null
          : await running.run((signal) => next(params, signal), toSignal(token));
      } catch (error) {
        if (!isCancelled(error)) {
          log.warn(`No next edit: ${error instanceof Error ? error.message : String(error)}`);
        }
        return null;
      }
    },
  );
  connection.onNotification(NextEditDecidedNotification.type, (value: unknown) => {
    const { uri, before, after, accepted } = (value ?? {}) as Record<string, unknown>;
    if (typeof uri !== 'string' || typeof before !== 'string' || typeof after !== 'string') {
      return;
    }
    const document = documents.get(uri);
    if (document === undefined) {
      return; // what is closed is forgotten
    }
    if (accepted === false) {
      edits.decline(uri, { removed: before, inserted: after });
    } else {
      edits.seen(uri, document.getText());
    }
  });
}
