/** What the extension exports: figures for tests and for people who report a fault, and texts for tests alone. */
import type {
  ModelDetails,
  RenderedPrompt,
  ServerStatus,
  SuggestionReport,
  SuggestionStatistics,
} from '#protocol';
import type { ServerConnection } from './serverConnection';

export interface Diagnostics {
  /** Undefined while no server runs. */
  readonly serverPid: number | undefined;
  readonly status: ServerStatus | undefined;
  readonly model: ModelDetails | null;
  readonly lastPrompt: RenderedPrompt | null;
  readonly why: SuggestionReport | null;
  readonly statistics: SuggestionStatistics | undefined;
}

export interface NiwakiApi {
  diagnostics(): Promise<Diagnostics>;
}

const none: Diagnostics = {
  serverPid: undefined,
  status: undefined,
  model: null,
  lastPrompt: null,
  why: null,
  statistics: undefined,
};

/** `withTexts`: whether prompts and suggestions are given out; other extensions get figures only. */
export function createApi(server: ServerConnection, withTexts: boolean): NiwakiApi {
  return {
    diagnostics: async () => {
      try {
        if (server.notNeeded) {
          return none; // asking would start it
        }
        const [status, model, lastPrompt, why, statistics] = await Promise.all([
          server.fetchStatus(),
          server.modelDetails(),
          withTexts ? server.lastPrompt() : null,
          withTexts ? server.why() : null,
          server.statistics(),
        ]);
        return { serverPid: status.pid, status, model, lastPrompt, why, statistics };
      } catch {
        return none;
      }
    },
  };
}
