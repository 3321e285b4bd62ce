/** What a question out of the editor is about: what is selected, the function around the cursor, or the file; and, to be mended, its problems. */
import type { Attachment, SlashCommand } from '#protocol';
import { languages, Range, Uri, window, workspace, type Diagnostic, type TextDocument } from 'vscode';
import { symbolAt } from '../../editorPlaces';
import { selectionIn } from './attachments';
import type { AskedPlace } from './lightBulb';
import { problemsText } from './problemText';

/** Whole lines: the selection, else the function around the cursor, else the file. */
async function attachmentAt(document: TextDocument, range: Range): Promise<Attachment> {
  const uri = document.uri.toString();
  const selected = selectionIn({ document, selection: range });
  if (selected !== undefined) {
    return selected;
  }
  const symbol = await symbolAt(document, range);
  return symbol === undefined
    ? { kind: 'file', uri }
    : {
        kind: 'symbol',
        uri,
        name: symbol.name,
        startLine: symbol.range.start.line,
        endLine: symbol.range.end.line + 1,
      };
}

function problemsIn(document: TextDocument, attachment: Attachment, range: Range): readonly Diagnostic[] {
  const all = languages.getDiagnostics(document.uri);
  const here = all.filter((one) => one.range.intersection(range) !== undefined);
  if (here.length > 0 || !('startLine' in attachment)) {
    return here.length > 0 ? here : all;
  }
  const lines = new Range(attachment.startLine, 0, attachment.endLine, 0);
  return all.filter((one) => one.range.intersection(lines) !== undefined);
}

/** undefined = no editor is open. `place` undefined: where the cursor is. */
export async function questionAt(
  command: SlashCommand | '',
  place: AskedPlace | undefined,
): Promise<readonly Attachment[] | undefined> {
  const editor = window.activeTextEditor;
  const document =
    place === undefined ? editor?.document : await workspace.openTextDocument(Uri.parse(place.uri, true));
  if (document === undefined) {
    return undefined;
  }
  const range =
    place === undefined ? (editor?.selection ?? new Range(0, 0, 0, 0)) : new Range(...place.range);
  const attachment = await attachmentAt(document, range);
  const problems = command === 'fix' ? problemsIn(document, attachment, range) : [];
  const uri = document.uri.toString();
  return problems.length === 0
    ? [attachment]
    : [attachment, { kind: 'problems', uri, text: problemsText([[document.uri, problems]]) }];
}
