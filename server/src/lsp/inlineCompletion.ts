/** textDocument/inlineCompletion (LSP 3.18) over the Completer. */
import { acceptedCommand, type ServerSettings } from '#protocol';
import {
  InlineCompletionTriggerKind,
  type CancellationToken,
  type Connection,
  type InlineCompletionItem,
  type InlineCompletionParams,
  type Position,
  type TextDocuments,
} from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import {
  fullEffort,
  gates,
  quietEffort,
  type Completer,
  type CompletionRequest,
  type DocumentSnapshot,
  type SelectedCompletion,
  type Statistics,
} from '../completion';
import { isCancelled } from '../engine';
import type { Log } from '../util/log';
import { toSignal } from '../util/signal';
import { promptPath } from './paths';

export interface InlineCompletionDeps {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  readonly completer: Completer;
  readonly statistics: Statistics;
  readonly log: Log;
  readonly settings: () => ServerSettings;
  /** Whether the machine is to be spared now. */
  readonly quiet: () => Promise<boolean>;
  /** URIs. */
  readonly workspaceFolders: () => readonly string[];
  /** Whether nothing is to be completed in a document, whatever the settings say. */
  readonly refused: (uri: string) => Promise<boolean>;
  /** Told of every request. */
  readonly onAsked: (uri: string, position: Position) => void;
}

/** The document as it is now: the object itself is updated in place. */
export function snapshotOf(document: TextDocument, workspaceFolders: readonly string[]): DocumentSnapshot {
  return {
    uri: document.uri,
    path: promptPath(document.uri, workspaceFolders),
    languageId: document.languageId,
    version: document.version,
    text: document.getText(),
  };
}

export function isEnabled(settings: ServerSettings, languageId: string): boolean {
  const { enabled, languages } = settings.completion;
  const own = Object.hasOwn(languages, languageId) ? languages[languageId] : undefined; // a language may be called 'constructor'
  return enabled && (own ?? languages['*'] ?? true);
}

/** Clients send whole numbers; what is none is taken for the place before it. */
function whole({ line, character }: Position): Position {
  return { line: Math.trunc(line), character: Math.trunc(character) };
}

function selectedIn(document: TextDocument, params: InlineCompletionParams): SelectedCompletion | undefined {
  const info = params.context.selectedCompletionInfo;
  return info === undefined
    ? undefined
    : {
        start: document.offsetAt(info.range.start),
        end: document.offsetAt(info.range.end),
        text: info.text,
      };
}

/** Suggestions where the user has asked by a command: going through them, or for any at all. */
const mostAlternatives = 3;

async function provide(
  deps: InlineCompletionDeps,
  params: InlineCompletionParams,
  token: CancellationToken,
): Promise<InlineCompletionItem[]> {
  const document = deps.documents.get(params.textDocument.uri);
  const settings = deps.settings();
  if (document === undefined || !isEnabled(settings, document.languageId)) {
    return [];
  }
  const selected = selectedIn(document, params);
  const { version } = document;
  const position = whole(params.position);
  // What was typed meanwhile has a request of its own; this one's place is no place in the text any more.
  if ((await deps.refused(document.uri)) || document.version !== version) {
    return [];
  }
  deps.onAsked(document.uri, position);
  const invoked = params.context.triggerKind === InlineCompletionTriggerKind.Invoked;
  const request: CompletionRequest = {
    document: snapshotOf(document, deps.workspaceFolders()),
    offset: document.offsetAt(position),
    maxTokens: settings.completion.maxTokens,
    places: settings.completion,
    minConfidence: gates[settings.completion.eagerness],
    invoked,
    // Who asks for it wants to choose; who types wants one soon.
    ...(invoked ? { alternatives: mostAlternatives } : {}),
    ...(selected === undefined ? {} : { selected }),
  };
  deps.statistics.requested(request);
  const effort = (await deps.quiet()) ? quietEffort : fullEffort;
  const suggestions = await deps.completer.completeAll({ ...request, effort }, toSignal(token));
  // A suggestion for an older version has no place in the document any more.
  if (document.version !== version) {
    return [];
  }
  const ids = deps.statistics.returned(request, suggestions);
  return suggestions.map((suggestion, i) => ({
    insertText: suggestion.text,
    range: { start: document.positionAt(suggestion.start), end: document.positionAt(suggestion.end) },
    command: {
      title: '',
      command: acceptedCommand,
      arguments: [ids[i]],
    },
  }));
}

export function registerInlineCompletion(deps: InlineCompletionDeps): void {
  deps.connection.languages.inlineCompletion.on(async (params, token) => {
    try {
      return await provide(deps, params, token);
    } catch (error) {
      if (!isCancelled(error)) {
        deps.log.error(`No completion: ${error instanceof Error ? error.message : String(error)}`);
      }
      return [];
    }
  });
}
