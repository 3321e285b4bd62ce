/** Texts of new files while they are written and until somebody decides about them: read-only documents, shown as tabs; beside the present text where there is one. */
import {
  CodeLens,
  commands,
  Disposable,
  EventEmitter,
  l10n,
  languages,
  Position,
  Range,
  TabInputText,
  TabInputTextDiff,
  Uri,
  window,
  workspace,
  type Tab,
  type TextDocumentContentProvider,
} from 'vscode';

export const previewScheme = 'niwaki-new';

/** What can be done about the files now. */
export type Decision = 'none' | 'create' | 'again';

export class Previews implements TextDocumentContentProvider, Disposable {
  private readonly changes = new EventEmitter<Uri>();
  readonly onDidChange = this.changes.event;
  private readonly lenses = new EventEmitter<void>();
  private readonly texts = new Map<string, string>();
  private readonly subscriptions: Disposable;
  private made = 0;
  private count = 0;
  private decision: Decision = 'none';
  /** The one that is being written. */
  private growing = '';

  constructor() {
    this.subscriptions = Disposable.from(
      workspace.registerTextDocumentContentProvider(previewScheme, this),
      languages.registerCodeLensProvider(
        { scheme: previewScheme },
        { onDidChangeCodeLenses: this.lenses.event, provideCodeLenses: () => this.lensesNow() },
      ),
      workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.toString() === this.growing) {
          this.follow(document.uri);
        }
      }),
    );
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }

  /** A document of its own for each try. */
  make(path: string): Uri {
    this.made += 1;
    const uri = Uri.from({ scheme: previewScheme, path: `/${path}`, query: String(this.made) });
    this.texts.set(uri.toString(), '');
    return uri;
  }

  set(uri: Uri, text: string, isGrowing: boolean): void {
    this.growing = isGrowing ? uri.toString() : '';
    if (this.texts.get(uri.toString()) !== text) {
      this.texts.set(uri.toString(), text);
      this.changes.fire(uri);
    }
  }

  /** `present`: the file that is there; undefined = there is none. */
  async show(uri: Uri, path: string, present: Uri | undefined, focus: boolean): Promise<void> {
    const options = { preview: false, preserveFocus: !focus };
    if (present === undefined) {
      await window.showTextDocument(await workspace.openTextDocument(uri), options);
    } else {
      await commands.executeCommand('vscode.diff', present, uri, l10n.t('{0}: now ↔ new', path), options);
    }
  }

  /** `count`: files that would be created or changed. */
  decide(decision: Decision, count: number): void {
    this.decision = decision;
    this.count = count;
    this.lenses.fire();
  }

  async close(uris: readonly Uri[]): Promise<void> {
    const names = new Set(uris.map((uri) => uri.toString()));
    await closeTabs(this.tabs(names));
    for (const name of names) {
      this.texts.delete(name);
    }
  }

  dispose(): void {
    Disposable.from(this.subscriptions, this.changes, this.lenses).dispose();
  }

  private tabs(names: ReadonlySet<string>): Tab[] {
    return window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .filter(
        ({ input }) =>
          (input instanceof TabInputText && names.has(input.uri.toString())) ||
          (input instanceof TabInputTextDiff && names.has(input.modified.toString())),
      );
  }

  /** As long as the reader has not put the cursor anywhere. */
  private follow(uri: Uri): void {
    for (const editor of window.visibleTextEditors) {
      const { document, selection } = editor;
      if (document.uri.toString() === uri.toString() && selection.isEmpty && selection.active.line === 0) {
        const end = new Position(document.lineCount - 1, 0);
        editor.revealRange(new Range(end, end));
      }
    }
  }

  private lensesNow(): CodeLens[] {
    const top = new Range(0, 0, 0, 0);
    const lens = (command: string, title: string): CodeLens =>
      new CodeLens(top, { command: `niwaki.files.${command}`, title });
    const create = this.count === 0 ? [] : [lens('create', `$(check) ${createTitle(this.count)}`)];
    const discard = lens('discard', `$(close) ${l10n.t('Discard')}`);
    switch (this.decision) {
      case 'none':
        return [];
      case 'create':
        return [...create, discard];
      case 'again':
        return [lens('again', `$(refresh) ${l10n.t('Try Again')}`), ...create, discard];
    }
  }
}

/** One that the user closes at the same moment is closed as well. */
export async function closeTabs(tabs: readonly Tab[]): Promise<void> {
  try {
    await window.tabGroups.close(tabs);
  } catch {
    // it is gone
  }
}

export function createTitle(count: number): string {
  return count === 1 ? l10n.t('Create the File') : l10n.t('Create {0} Files', count);
}
