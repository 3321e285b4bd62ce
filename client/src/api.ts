/** What the extension exports: figures for tests and for people who report a fault. */
import type { ModelDetails, RenderedPrompt, ServerStatus } from '#protocol';
import type { ServerConnection } from './serverConnection';

export interface Diagnostics {
  /** Undefined while no server runs. */
  readonly serverPid: number | undefined;
  readonly status: ServerStatus | undefined;
  readonly model: ModelDetails | null;
  readonly lastPrompt: RenderedPrompt | null;
}

export interface NiwakiApi {
  diagnostics(): Promise<Diagnostics>;
}

const none: Diagnostics = { serverPid: undefined, status: undefined, model: null, lastPrompt: null };

export function createApi(server: ServerConnection): NiwakiApi {
  return {
    diagnostics: async () => {
      try {
        if (server.notNeeded) {
          return none; // asking would start it
        }
        const [status, model, lastPrompt] = await Promise.all([
          server.fetchStatus(),
          server.modelDetails(),
          server.lastPrompt(),
        ]);
        return { serverPid: status.pid, status, model, lastPrompt };
      } catch {
        return none;
      }
    },
  };
}
