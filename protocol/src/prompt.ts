import { RequestType0 } from 'vscode-jsonrpc';

/** The last prompt exactly as the model got it. Kept in memory only. */
export interface RenderedPrompt {
  readonly uri: string;
  /** Control tokens written out. */
  readonly text: string;
  readonly tokens: number;
  readonly reused: number;
  readonly evaluated: number;
  /** Text dropped from the prompt's end for token healing; the completion had to begin with it. */
  readonly healed: string;
  /** What the model wrote, before trimming. */
  readonly raw: string;
  /** What was offered, '' when nothing. */
  readonly suggestion: string;
  readonly promptMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

/** client → server. null before the first completion. */
export namespace LastPromptRequest {
  export const method = 'niwaki/lastPrompt';
  export const type = new RequestType0<RenderedPrompt | null, void>(method);
}
