/** How an offered change looks: quiet where it is, a hint in words beside it or beside the cursor, and a preview. */
import {
  DecorationRangeBehavior,
  l10n,
  Range,
  ThemeColor,
  window,
  type DecorationOptions,
  type Disposable,
  type TextEditor,
} from 'vscode';

export interface ShownChange {
  readonly range: Range;
  readonly before: string;
  readonly after: string;
}

/** Characters of a change that are shown. */
const mostShown = 40;
/** As package.json has them. */
const [acceptKey, dismissKey] = process.platform === 'darwin' ? ['⌥J', '⌥⇧J'] : ['Alt+J', 'Alt+Shift+J'];

/** High contrast themes have one, too. */
const quiet = new ThemeColor('editorCodeLens.foreground');

/** Ends of it that nobody would see are written out. */
function inShort(text: string): string {
  const line = text.replaceAll('\t', '→').replaceAll(/\r?\n/g, '⏎').trim();
  return line.length > mostShown ? `${line.slice(0, mostShown - 1)}…` : line;
}

function words({ before, after }: ShownChange): string {
  return before.trim() === ''
    ? l10n.t('insert {0}', inShort(after))
    : after.trim() === ''
      ? l10n.t('delete {0}', inShort(before))
      : `${inShort(before)} → ${inShort(after)}`;
}

export class NextEditDecorations implements Disposable {
  private readonly place = window.createTextEditorDecorationType({
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
    borderWidth: '0 0 1px 0',
    borderStyle: 'dashed',
    borderColor: new ThemeColor('editorInfo.foreground'),
    overviewRulerColor: new ThemeColor('editorInfo.foreground'),
  });
  private readonly hint = window.createTextEditorDecorationType({
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
    after: { color: quiet, margin: '0 0 0 2em', fontStyle: 'italic' },
  });
  private readonly old = window.createTextEditorDecorationType({
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
    textDecoration: 'line-through',
    backgroundColor: new ThemeColor('diffEditor.removedTextBackground'),
  });
  private readonly now = window.createTextEditorDecorationType({
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
    after: {
      color: new ThemeColor('gitDecoration.addedResourceForeground'),
      backgroundColor: new ThemeColor('diffEditor.insertedTextBackground'),
    },
  });

  /** At its place, with words where they are seen and in nobody's way. */
  mark(editor: TextEditor, change: ShownChange): void {
    const { range } = change;
    const isSeen = editor.visibleRanges.some((visible) => visible.contains(range.start));
    const { active } = editor.selection;
    // Behind the cursor at the end of a line ghost text comes first: then the words stand a line below, or above.
    const isFree = (line: number): boolean =>
      line !== active.line || editor.document.lineAt(line).text.slice(active.character).trim() !== '';
    const wanted = isSeen ? range.start.line : active.line;
    const { lineCount } = editor.document;
    const line = [wanted, wanted + 1, wanted - 1].find((one) => one >= 0 && one < lineCount && isFree(one));
    const text = isSeen
      ? words(change)
      : l10n.t('line {0}: {1}', String(range.start.line + 1), words(change));
    this.show(editor, this.place, [{ range }]);
    this.show(
      editor,
      this.hint,
      line === undefined ? [] : [this.behind(editor, line, `${text} (${acceptKey})`)],
    );
    this.show(editor, this.old, []);
    this.show(editor, this.now, []);
  }

  /** The old text struck through, the new one behind it. */
  preview(editor: TextEditor, change: ShownChange): void {
    const { range, after } = change;
    const end = new Range(range.end, range.end);
    const { line } = range.start;
    const text = l10n.t('{0} to accept, {1} to dismiss', acceptKey, dismissKey);
    this.show(editor, this.place, []);
    this.show(editor, this.hint, [this.behind(editor, line, text)]);
    this.show(editor, this.old, [{ range }]);
    this.show(editor, this.now, [{ range: end, renderOptions: { after: { contentText: after } } }]);
  }

  clear(editor: TextEditor): void {
    for (const type of [this.place, this.hint, this.old, this.now]) {
      this.show(editor, type, []);
    }
  }

  dispose(): void {
    for (const type of [this.place, this.hint, this.old, this.now]) {
      type.dispose();
    }
  }

  private show(
    editor: TextEditor,
    type: ReturnType<typeof window.createTextEditorDecorationType>,
    options: readonly DecorationOptions[],
  ): void {
    editor.setDecorations(type, [...options]);
  }

  private behind(editor: TextEditor, line: number, contentText: string): DecorationOptions {
    const { end } = editor.document.lineAt(line).range;
    return { range: new Range(end, end), renderOptions: { after: { contentText } } };
  }
}
