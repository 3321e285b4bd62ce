/** Which lines somebody means who points at a place in an editor. */
import type { LineRange } from '#protocol';
import { commands, SymbolKind, type DocumentSymbol, type Range, type TextDocument } from 'vscode';

/** What holds code that one asks about. */
export const askedKinds = new Set([
  ...[SymbolKind.Function, SymbolKind.Method, SymbolKind.Constructor, SymbolKind.Class],
  ...[SymbolKind.Interface, SymbolKind.Enum, SymbolKind.Struct],
]);
/** Milliseconds that a language server has to say where the function begins and ends. */
const patienceMs = 1_000;

function innermost(symbols: readonly DocumentSymbol[], range: Range): DocumentSymbol | undefined {
  for (const symbol of symbols) {
    if (symbol.range.contains(range)) {
      return innermost(symbol.children, range) ?? (askedKinds.has(symbol.kind) ? symbol : undefined);
    }
  }
  return undefined;
}

/** The outermost symbols of a document; [] where no language says, or not in time. */
export async function symbolsOf(document: TextDocument): Promise<DocumentSymbol[]> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, patienceMs, undefined));
  const asked = commands.executeCommand('vscode.executeDocumentSymbolProvider', document.uri);
  const found = await Promise.race([Promise.resolve(asked).catch(() => undefined), late]);
  const symbols = Array.isArray(found) ? (found as unknown[]) : [];
  // Older providers answer with a flat list that has no ranges to contain anything.
  return symbols.filter(
    (one): one is DocumentSymbol => typeof one === 'object' && one !== null && 'children' in one,
  );
}

/** The function, class or the like around a place. */
export async function symbolAt(document: TextDocument, range: Range): Promise<DocumentSymbol | undefined> {
  return innermost(await symbolsOf(document), range);
}

/** The lines of a selection; undefined = nothing is selected. */
export function wholeLines(selection: Range): LineRange | undefined {
  // A selection that ends before a line's first character has not got that line.
  const end = selection.end.character === 0 ? selection.end.line : selection.end.line + 1;
  return selection.isEmpty || end <= selection.start.line ? undefined : { start: selection.start.line, end };
}
