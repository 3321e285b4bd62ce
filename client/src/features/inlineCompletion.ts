/** Ghost text. The language client asks the server; here is decided when not to ask. */
import type { Middleware } from 'vscode-languageclient/node';
import type { Config } from '../config';

export function inlineCompletionMiddleware(config: Config): Middleware {
  return {
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      if (!config.enabledFor(document.languageId)) {
        return undefined;
      }
      // A server that has just died is being started again: no reason to bother the user over a keystroke.
      return Promise.resolve(next(document, position, context, token)).catch(() => undefined);
    },
  };
}
