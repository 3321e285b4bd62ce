import { RequestType0 } from 'vscode-jsonrpc';

/** Counted since the server started or the counters were cleared, in memory only. */
export interface SuggestionStatistics {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Requests for inline completion. */
  readonly requested: number;
  /** Answers with a suggestion in them. Whether the editor showed it, nobody tells. */
  readonly returned: number;
  /** Suggestions in them: several to choose from count each, what is left of one while it is typed along does not count again. */
  readonly suggestions: number;
  /** Accepted as a whole. */
  readonly accepted: number;
  /** UTF-16 units that accepting inserted. */
  readonly acceptedCharacters: number;
  /** Accepted ones that were looked at 30 seconds later: their document was still open. */
  readonly lookedAt: number;
  /** Of these: those whose text still stood there, unchanged. */
  readonly kept: number;
  readonly keptCharacters: number;
  /** An estimate: a part was accepted, word by word or line by line. Nobody tells; text that appears at once looks the same. */
  readonly partlyAccepted: number;
  readonly partlyAcceptedCharacters: number;
  /** An estimate: typed to its end by hand. */
  readonly typedToTheEnd: number;
}

/** client → server. */
export namespace StatisticsRequest {
  export const method = 'niwaki/statistics';
  export const type = new RequestType0<SuggestionStatistics, void>(method);
}

/** client → server: begin anew. */
export namespace ClearStatisticsRequest {
  export const method = 'niwaki/clearStatistics';
  export const type = new RequestType0<null, void>(method);
}

/**
 * The command that items of `textDocument/inlineCompletion` carry; its one argument is the item's id. The editor runs it
 * (`workspace/executeCommand`) when the user has accepted the item as a whole. Ids of nobody are ignored.
 */
export const acceptedCommand = 'niwaki.accepted';
