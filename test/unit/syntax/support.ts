/** The grammars as they lie in their package, and texts with a cursor in them. */
import { join } from 'node:path';
import { Syntax } from '../../../server/src/syntax';
import { silentLog, type Log } from '../../../server/src/util/log';

export const grammarFolder = join(__dirname, '../../../node_modules/@vscode/tree-sitter-wasm/wasm');

export function realSyntax(log: Log = silentLog): Syntax {
  return new Syntax(grammarFolder, log);
}

/** The text without its '|', and where that was. */
export function marked(text: string): { readonly text: string; readonly offset: number } {
  const offset = text.indexOf('|');
  return { text: text.slice(0, offset) + text.slice(offset + 1), offset };
}
