import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { Editor } from './editor.mjs';
import type { Recording } from './format.mjs';

export interface ReplayedRequest {
  readonly doc: string;
  readonly after: 'key' | 'accepted';
  readonly key: number;
  readonly ms?: number;
  readonly cut: boolean;
  readonly stoppedMs?: number;
  readonly item?: boolean;
  readonly why?: {
    readonly times: Readonly<Record<string, number>>;
    readonly tokens: Readonly<Record<'all' | 'reused' | 'computed', number>>;
    readonly decoded: number;
  };
}

export class LiveReplay {
  constructor(
    client: { readonly connection: MessageConnection },
    recording: Recording,
    options?: {
      readonly realTime?: boolean;
      readonly longestMs?: number;
      readonly acceptShare?: number;
      readonly seed?: number;
      readonly phases?: boolean;
      readonly onKey?: (keys: number, t: number) => Promise<void> | undefined;
    },
  );
  readonly requests: readonly ReplayedRequest[];
  readonly editor: Editor;
  run(): Promise<void>;
}
