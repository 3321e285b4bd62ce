import { NotificationType } from 'vscode-jsonrpc';

/**
 * client → server, when the cursor has come to rest somewhere else than where it was last told. What the next completion there will
 * need may be computed in advance. Servers do without it: then nobody knows where a document's cursor is before the first request.
 */
export namespace CursorNotification {
  export const method = 'niwaki/cursor';
  export interface Params {
    readonly uri: string;
    /** From 0; characters are UTF-16 units. */
    readonly position: { readonly line: number; readonly character: number };
  }
  export const type = new NotificationType<Params>(method);
}
