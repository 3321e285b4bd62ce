/** A new text as a formatter would have it that answers for documents of no disk; those of VS Code's own languages do, as far as they have one. */
import {
  commands,
  workspace,
  type CancellationToken,
  type FormattingOptions,
  type TextDocument,
  type TextEdit,
  type Uri,
} from 'vscode';

/** Milliseconds: TypeScript's own starts with the first file. One that is slower is not waited for: the text is good without it. */
const patienceMs = 10_000;
const takenOverMs = 2_000;
/** An extension with a formatter is started when the first document of its language is opened; until it is there, nobody answers. */
const startingMs = 3_000;
const askAgainMs = 200;
/** Languages whose formatter has had the time to start, if there is one: of no edits nobody knows whether that is why. */
const started = new Set<string>();

/** One level of the text's indentation, for the formatter: it is the neighbours' already. */
function optionsOf(text: string): FormattingOptions {
  const leads = [...text.matchAll(/^([ \t]+)(?=[^\s*])/gm)].map(([, lead = '']) => lead);
  const tabs = leads.filter((lead) => lead.startsWith('\t')).length;
  const spaces = leads.filter((lead) => lead.startsWith(' ')).map(({ length }) => length);
  return {
    insertSpaces: tabs * 2 <= leads.length,
    tabSize: Math.min(8, ...spaces.filter((size) => size > 1), 8) || 4,
  };
}

function applied(
  text: string,
  offsets: (edit: TextEdit) => readonly [number, number],
  edits: readonly TextEdit[],
): string {
  const sorted = edits
    .map((edit) => ({ at: offsets(edit), text: edit.newText }))
    .sort((a, b) => a.at[0] - b.at[0]);
  let result = '';
  let from = 0;
  for (const { at, text: piece } of sorted) {
    result += text.slice(from, at[0]) + piece;
    from = Math.max(from, at[1]);
  }
  return result + text.slice(from);
}

/** Whether the document shows the text: what its provider says, it takes over a little later. */
async function shows(document: TextDocument, plain: string): Promise<boolean> {
  const is = (): boolean => document.getText().replaceAll('\r\n', '\n') === plain;
  for (const end = Date.now() + takenOverMs; !is() && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return is();
}

async function editsFor(
  document: TextDocument,
  text: string,
  token: CancellationToken,
): Promise<readonly TextEdit[]> {
  /** undefined = it takes too long. */
  const ask = async (): Promise<readonly TextEdit[] | undefined> => {
    const asked = commands.executeCommand<TextEdit[] | undefined>(
      'vscode.executeFormatDocumentProvider',
      document.uri,
      optionsOf(text),
    );
    const tooLong = new Promise<undefined>((resolve) => setTimeout(resolve, patienceMs, undefined));
    const answered = Promise.resolve(asked).then((edits) => edits ?? []);
    return Promise.race([answered.catch(() => []), tooLong]);
  };
  const { languageId } = document;
  const end = Date.now() + startingMs;
  let edits = await ask();
  while (
    edits?.length === 0 &&
    !started.has(languageId) &&
    Date.now() < end &&
    !token.isCancellationRequested
  ) {
    await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    edits = await ask();
  }
  if (!token.isCancellationRequested) {
    started.add(languageId);
  }
  return edits ?? [];
}

/** The text itself where nobody formats it. */
export async function formatted(preview: Uri, text: string, token: CancellationToken): Promise<string> {
  const document = await workspace.openTextDocument(preview);
  // The editor has its line ends for itself.
  if (!(await shows(document, text.replaceAll('\r\n', '\n')))) {
    return text;
  }
  const edits = await editsFor(document, text, token);
  if (edits.length === 0) {
    return text;
  }
  const shown = document.getText();
  const result = applied(
    shown,
    ({ range }) => [document.offsetAt(range.start), document.offsetAt(range.end)],
    edits,
  );
  const bare = result.replaceAll('\r\n', '\n');
  return text.includes('\r\n') ? bare.replaceAll('\n', '\r\n') : bare;
}
