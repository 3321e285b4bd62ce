/** What is shown of an offered change: a mark at its place, a hint, a preview; and what becomes of it. */
import type { NextEdit } from '#protocol';
import {
  CancellationTokenSource,
  commands,
  Disposable,
  Range,
  Selection,
  TextEditorRevealType,
  window,
  type TextDocument,
  type TextEditor,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { NextEditDecorations } from './decorations';

/** offered: it is marked where it is. previewed: the user has gone there, and sees what would become of it. */
type Stage = 'offered' | 'previewed';

interface Shown {
  readonly editor: TextEditor;
  readonly offer: NextEdit;
  stage: Stage;
}

/** By which keybindings are there only with an offer. */
const contextKeys: Readonly<Record<Stage, string>> = {
  offered: 'niwaki.nextEdit.offered',
  previewed: 'niwaki.nextEdit.previewed',
};

export class NextEditView implements Disposable {
  private shown: Shown | undefined;
  private asking: CancellationTokenSource | undefined;
  private readonly decorations = new NextEditDecorations();
  private readonly subscriptions: readonly Disposable[];

  constructor(private readonly context: NiwakiContext) {
    this.subscriptions = [
      window.onDidChangeActiveTextEditor((editor) => {
        if (editor !== this.shown?.editor) {
          this.clear();
        }
      }),
      window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        this.draw(textEditor);
      }),
      window.onDidChangeTextEditorSelection(({ textEditor }) => {
        this.draw(textEditor);
      }),
      context.server.onStatus((status) => {
        if (status === undefined) {
          this.clear(); // whoever offered it has gone
        }
      }),
    ];
  }

  /** What comes next after the edits so far, if anything is certain. */
  async ask(editor: TextEditor): Promise<void> {
    this.asking?.cancel();
    const asking = new CancellationTokenSource();
    this.asking = asking;
    const { document, selection } = editor;
    const { version } = document;
    const { line, character } = selection.active;
    try {
      const edits = await this.context.server.edits();
      const offer = await edits.nextEdit(
        { uri: document.uri.toString(), version, line, character },
        asking.token,
      );
      const wanted =
        this.asking === asking && document.version === version && window.activeTextEditor === editor;
      if (offer !== null && wanted && this.isOf(offer, document)) {
        this.shown = { editor, offer, stage: 'offered' };
        this.draw(editor);
        this.tell();
      }
    } catch {
      // A server that has just died is being started again: no reason to bother the user over an offer.
    } finally {
      if (this.asking === asking) {
        this.asking = undefined;
      }
      asking.dispose();
    }
  }

  /** An offer is for one version of its document. */
  changed(document: TextDocument): void {
    this.asking?.cancel();
    this.asking = undefined;
    if (this.shown?.editor.document === document) {
      this.clear();
    }
  }

  /** Goes to the place and shows what would become of it. */
  jump(): void {
    const { shown } = this;
    if (shown === undefined) {
      return;
    }
    const range = this.rangeOf(shown);
    shown.stage = 'previewed';
    shown.editor.selection = new Selection(range.start, range.start);
    shown.editor.revealRange(range, TextEditorRevealType.InCenterIfOutsideViewport);
    this.draw(shown.editor);
    this.tell();
  }

  async accept(): Promise<void> {
    const { shown } = this;
    if (shown === undefined) {
      return;
    }
    const { editor, offer } = shown;
    const range = this.rangeOf(shown);
    this.clear();
    if (!this.isOf(offer, editor.document)) {
      return;
    }
    const made = await editor.edit(
      (builder) => {
        builder.replace(range, offer.edit.text);
      },
      { undoStopBefore: true, undoStopAfter: true },
    );
    if (made) {
      const end = editor.document.positionAt(offer.edit.start + offer.edit.text.length);
      editor.selection = new Selection(end, end);
      await this.decided(offer, true);
    }
  }

  async dismiss(): Promise<void> {
    const { shown } = this;
    this.clear();
    if (shown !== undefined) {
      await this.decided(shown.offer, false);
    }
  }

  clear(): void {
    const { shown } = this;
    this.shown = undefined;
    if (shown !== undefined) {
      this.decorations.clear(shown.editor);
      this.tell();
    }
  }

  dispose(): void {
    this.asking?.cancel();
    this.clear();
    this.decorations.dispose();
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  /** Whether the document is as it was when the offer was made. */
  private isOf({ version, edit, before }: NextEdit, document: TextDocument): boolean {
    const range = new Range(document.positionAt(edit.start), document.positionAt(edit.end));
    return document.version === version && document.getText(range) === before;
  }

  private rangeOf({ editor: { document }, offer: { edit } }: Shown): Range {
    return new Range(document.positionAt(edit.start), document.positionAt(edit.end));
  }

  private draw(editor: TextEditor): void {
    const { shown } = this;
    if (shown?.editor !== editor) {
      return;
    }
    const { offer, stage } = shown;
    const change = { range: this.rangeOf(shown), before: offer.before, after: offer.edit.text };
    if (stage === 'previewed') {
      this.decorations.preview(editor, change);
    } else {
      this.decorations.mark(editor, change);
    }
  }

  private tell(): void {
    for (const [stage, key] of Object.entries(contextKeys)) {
      void commands.executeCommand('setContext', key, this.shown?.stage === stage);
    }
  }

  private async decided({ uri, before, edit }: NextEdit, accepted: boolean): Promise<void> {
    try {
      const edits = await this.context.server.edits();
      await edits.nextEditDecided({ uri, before, after: edit.text, accepted });
    } catch {
      // A server that has gone makes no offers.
    }
  }
}
