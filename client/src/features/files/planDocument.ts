/**
 * The plan in an editor: a file that lies in memory alone, so that closing it asks nothing. What each path means stands behind its line while it is
 * edited, and in the list of problems.
 */
import type { CheckedFile, PlannedFile } from '#protocol';
import {
  CodeLens,
  Diagnostic,
  DiagnosticSeverity,
  Disposable,
  EventEmitter,
  FileChangeType,
  FileSystemError,
  FileType,
  l10n,
  languages,
  Position,
  Range,
  TabInputText,
  ThemeColor,
  Uri,
  window,
  workspace,
  type FileChangeEvent,
  type FileStat,
  type FileSystemProvider,
  type TextDocument,
} from 'vscode';
import { closeTabs } from './previews';
import { planText, readPlanText, type PlanLine } from './planText';

const scheme = 'niwaki-plan';
const languageId = 'niwaki-plan';
const checkAfterMs = 200;

/** One file, in memory. */
class PlanMemory implements FileSystemProvider {
  private readonly emitter = new EventEmitter<FileChangeEvent[]>();
  readonly onDidChangeFile = this.emitter.event;
  private readonly files = new Map<string, { bytes: Uint8Array; mtime: number }>();

  watch(): Disposable {
    return new Disposable(() => undefined);
  }
  stat(uri: Uri): FileStat {
    const { bytes, mtime } = this.find(uri);
    return { type: FileType.File, ctime: 0, mtime, size: bytes.length };
  }
  readFile(uri: Uri): Uint8Array {
    return this.find(uri).bytes;
  }
  writeFile(uri: Uri, bytes: Uint8Array): void {
    this.files.set(uri.toString(), { bytes, mtime: Date.now() });
    this.emitter.fire([{ type: FileChangeType.Changed, uri }]);
  }
  delete(uri: Uri): void {
    this.files.delete(uri.toString());
  }
  readDirectory(): [] {
    return [];
  }
  createDirectory(): never {
    throw FileSystemError.NoPermissions();
  }
  rename(): never {
    throw FileSystemError.NoPermissions();
  }
  private find(uri: Uri): { bytes: Uint8Array; mtime: number } {
    const found = this.files.get(uri.toString());
    if (found === undefined) {
      throw FileSystemError.FileNotFound(uri);
    }
    return found;
  }
}

export interface PlanHooks {
  readonly check: (paths: readonly string[]) => Promise<readonly CheckedFile[]>;
  /** The user has closed it. */
  readonly onClosed: () => void;
}

export class PlanDocument implements Disposable {
  private readonly memory = new PlanMemory();
  private readonly diagnostics = languages.createDiagnosticCollection('niwaki-plan');
  private readonly lenses = new EventEmitter<void>();
  private readonly remark = window.createTextEditorDecorationType({
    after: { margin: '0 0 0 2em', color: new ThemeColor('editorCodeLens.foreground') },
  });
  private readonly refusal = window.createTextEditorDecorationType({
    after: { margin: '0 0 0 2em', color: new ThemeColor('editorError.foreground') },
  });
  private readonly subscriptions: Disposable;
  private uri: Uri | undefined;
  private made = 0;
  private timer: NodeJS.Timeout | undefined;
  private looks = 0;

  constructor(private readonly hooks: PlanHooks) {
    this.subscriptions = Disposable.from(
      workspace.registerFileSystemProvider(scheme, this.memory, { isCaseSensitive: true }),
      languages.registerCodeLensProvider(
        { scheme },
        {
          onDidChangeCodeLenses: this.lenses.event,
          provideCodeLenses: (document) => this.lensesOf(document),
        },
      ),
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (this.isOurs(document.uri) && contentChanges.length > 0) {
          this.changed(document);
        }
      }),
      window.onDidChangeVisibleTextEditors((editors) => {
        if (editors.some((editor) => this.isOurs(editor.document.uri))) {
          this.lookSoon();
        }
      }),
      window.tabGroups.onDidChangeTabs(({ closed }) => {
        if (
          closed.some(({ input }) => input instanceof TabInputText && this.isOurs(input.uri)) &&
          this.tabs().length === 0
        ) {
          this.forget();
          this.hooks.onClosed();
        }
      }),
    );
  }

  get isOpen(): boolean {
    return this.uri !== undefined;
  }

  async open(head: readonly string[], files: readonly PlannedFile[]): Promise<void> {
    await this.close();
    this.made += 1;
    const uri = Uri.from({ scheme, path: `/${l10n.t('Plan of New Files')}`, query: String(this.made) });
    this.memory.writeFile(uri, new TextEncoder().encode(planText(head, files)));
    this.uri = uri;
    await this.show();
    await this.look();
  }

  async show(): Promise<void> {
    const { uri } = this;
    if (uri === undefined) {
      return;
    }
    const opened = await workspace.openTextDocument(uri);
    const document =
      opened.languageId === languageId ? opened : await languages.setTextDocumentLanguage(opened, languageId);
    const [first] = readPlanText(document.getText());
    const at = new Position(first?.line ?? document.lineCount - 1, 0);
    await window.showTextDocument(document, { preview: false, selection: new Range(at, at) });
  }

  /** As it stands in the editor; empty where it is closed. */
  get lines(): readonly PlanLine[] {
    const document = this.document();
    return document === undefined ? [] : readPlanText(document.getText());
  }

  /** Shows a line of it. */
  async reveal({ line, start, end }: PlanLine): Promise<void> {
    const document = this.document();
    if (document !== undefined) {
      await window.showTextDocument(document, {
        preview: false,
        selection: new Range(line, start, line, end),
      });
    }
  }

  /** Without asking. */
  async close(): Promise<void> {
    const tabs = this.tabs();
    const document = this.document();
    this.forget();
    if (document?.isDirty === true) {
      await document.save();
    }
    await closeTabs(tabs);
  }

  dispose(): void {
    clearTimeout(this.timer);
    Disposable.from(this.subscriptions, this.diagnostics, this.lenses, this.remark, this.refusal).dispose();
  }

  private isOurs(uri: Uri): boolean {
    return uri.toString() === this.uri?.toString();
  }

  private document(): TextDocument | undefined {
    return workspace.textDocuments.find(({ uri }) => this.isOurs(uri));
  }

  private tabs(): (typeof window.tabGroups.all)[number]['tabs'] {
    return window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .filter(({ input }) => input instanceof TabInputText && this.isOurs(input.uri));
  }

  private forget(): void {
    clearTimeout(this.timer);
    this.diagnostics.clear();
    this.uri = undefined;
  }

  /** It is saved as it changes: there is nothing that closing could lose. */
  private changed(document: TextDocument): void {
    void document.save();
    this.lookSoon();
  }

  private lookSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      void this.look();
    }, checkAfterMs);
  }

  private async look(): Promise<void> {
    const { lines } = this;
    this.looks += 1;
    const look = this.looks;
    const checked = await this.hooks.check(lines.map(({ path }) => path)).catch(() => undefined);
    // The text has changed meanwhile, or the server has gone: what was known stays until the next look.
    if (look === this.looks && checked !== undefined && this.uri !== undefined) {
      this.mark(lines, checked);
    }
  }

  private mark(lines: readonly PlanLine[], checked: readonly CheckedFile[]): void {
    const { uri } = this;
    const document = this.document();
    if (uri === undefined || document === undefined) {
      return;
    }
    const found = lines.flatMap((line, i) => {
      const check = checked[i];
      const text = document.lineAt(Math.min(line.line, document.lineCount - 1)).range;
      return check === undefined ? [] : [{ line, check, end: text.end }];
    });
    this.diagnostics.set(
      uri,
      found
        .filter(({ check }) => check.problem !== '')
        .map(({ line, check }) => {
          const range = new Range(line.line, line.start, line.line, Math.max(line.end, line.start + 1));
          const diagnostic = new Diagnostic(range, check.problem, DiagnosticSeverity.Error);
          diagnostic.source = 'Niwaki';
          return diagnostic;
        }),
    );
    const exists = l10n.t('exists: you will see a difference');
    const remark = found
      .filter(({ check }) => check.problem === '' && check.exists)
      .map(({ end }) => ({ range: new Range(end, end), renderOptions: { after: { contentText: exists } } }));
    const refusal = found
      .filter(({ check }) => check.problem !== '')
      .map(({ check, end }) => ({
        range: new Range(end, end),
        renderOptions: { after: { contentText: l10n.t('refused: {0}', check.problem) } },
      }));
    for (const editor of window.visibleTextEditors.filter((each) => this.isOurs(each.document.uri))) {
      editor.setDecorations(this.remark, remark);
      editor.setDecorations(this.refusal, refusal);
    }
  }

  private lensesOf(document: TextDocument): CodeLens[] {
    const top = new Range(0, 0, 0, 0);
    return this.isOurs(document.uri)
      ? [
          new CodeLens(top, {
            command: 'niwaki.files.write',
            title: `$(check) ${l10n.t('Write these files')}`,
          }),
          new CodeLens(top, { command: 'niwaki.files.cancel', title: `$(close) ${l10n.t('Cancel')}` }),
        ]
      : [];
  }
}
