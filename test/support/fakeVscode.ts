/**
 * As much of VS Code's own module as the client's edits need where there is no VS Code: documents in memory, and edits of them. To be imported before
 * what imports 'vscode'.
 */
import Module from 'node:module';
import { applyEdits } from '#protocol';
import type * as vscode from 'vscode';
import { TextDocument as Lines } from 'vscode-languageserver-textdocument';

interface Place {
  readonly line: number;
  readonly character: number;
}

export class FakeDocument {
  readonly languageId = 'typescript';
  readonly isUntitled: boolean;
  isDirty = true;
  isClosed = false;
  private lines: Lines;

  constructor(
    readonly uri: vscode.Uri,
    text: string,
  ) {
    this.isUntitled = uri.scheme === 'untitled';
    this.lines = Lines.create(uri.toString(), this.languageId, 1, text);
  }

  get version(): number {
    return this.lines.version;
  }

  getText(): string {
    return this.lines.getText();
  }

  positionAt(offset: number): Place {
    return this.lines.positionAt(offset);
  }

  offsetAt(place: Place): number {
    return this.lines.offsetAt(place);
  }

  /** As somebody types; tells whoever listens. */
  type(start: number, end: number, text: string): void {
    this.change([{ start, end, text }]);
  }

  change(edits: readonly { readonly start: number; readonly end: number; readonly text: string }[]): void {
    const contentChanges = edits.map(({ start, end, text }) => ({
      ...{ rangeOffset: start, rangeLength: end - start, text },
    }));
    const text = applyEdits(this.getText(), edits);
    this.lines = Lines.create(this.uri.toString(), this.languageId, this.version + 1, text);
    for (const listener of listeners) {
      listener({ document: this, contentChanges } as unknown as vscode.TextDocumentChangeEvent);
    }
  }
}

const documents = new Map<string, FakeDocument>();
const listeners = new Set<(event: vscode.TextDocumentChangeEvent) => void>();

class FakeUri {
  constructor(private readonly whole: string) {}

  static parse(whole: string): FakeUri {
    return new FakeUri(whole);
  }

  get scheme(): string {
    return this.whole.slice(0, this.whole.indexOf(':'));
  }

  get path(): string {
    return this.whole.replace(/^[\w-]+:(?:\/\/)?/, '');
  }

  toString(): string {
    return this.whole;
  }
}

class CancellationTokenSource {
  private readonly listeners: (() => void)[] = [];
  readonly token = {
    isCancellationRequested: false,
    onCancellationRequested: (listener: () => void) => {
      this.listeners.push(listener);
      return { dispose: () => undefined };
    },
  };

  cancel(): void {
    this.token.isCancellationRequested = true;
    for (const listener of this.listeners.splice(0)) {
      listener();
    }
  }

  dispose(): void {
    this.listeners.length = 0;
  }
}

class WorkspaceEdit {
  readonly edits: { uri: FakeUri; range: { start: Place; end: Place }; text: string }[] = [];

  replace(uri: FakeUri, range: { start: Place; end: Place }, text: string): void {
    this.edits.push({ uri, range, text });
  }
}

const fake = {
  CancellationTokenSource,
  FilePermission: { Readonly: 1 },
  l10n: {
    t: (text: string, ...values: unknown[]) =>
      text.replaceAll(/\{(\d)\}/g, (_, at) => String(values[Number(at)])),
  },
  languages: { match: () => 0 },
  Range: class {
    constructor(
      readonly start: Place,
      readonly end: Place,
    ) {}
  },
  Uri: FakeUri,
  WorkspaceEdit,
  workspace: {
    asRelativePath: (uri: FakeUri) => uri.path.split('/').at(-1) ?? '',
    applyEdit: async ({ edits }: WorkspaceEdit) => {
      await Promise.resolve();
      const document = documents.get(String(edits[0]?.uri));
      document?.change(
        edits.map(({ range, text }) => ({
          ...{ start: document.offsetAt(range.start), end: document.offsetAt(range.end), text },
        })),
      );
      return document !== undefined;
    },
    fs: { isWritableFileSystem: () => true, stat: () => Promise.resolve({}) },
    getConfiguration: () => ({ get: () => ({}) }),
    getWorkspaceFolder: () => undefined,
    openTextDocument: (uri: FakeUri) => {
      const document = documents.get(uri.toString());
      return document === undefined ? Promise.reject(new Error('gone')) : Promise.resolve(document);
    },
  },
};

const loader = Module as unknown as { _load: (request: string, ...others: unknown[]) => unknown };
const load = loader._load.bind(loader);
loader._load = (request, ...others) => (request === 'vscode' ? fake : load(request, ...others));

/** A document that is open. */
export function openDocument(text: string, uri = 'untitled:Untitled-1'): FakeDocument {
  const document = new FakeDocument(new FakeUri(uri) as unknown as vscode.Uri, text);
  documents.set(uri, document);
  return document;
}

export function closeDocument(document: FakeDocument): void {
  document.isClosed = true;
  documents.delete(document.uri.toString());
}

/** Until `stop`. */
export function onDidChange(listener: (event: vscode.TextDocumentChangeEvent) => void): { stop(): void } {
  listeners.add(listener);
  return { stop: () => listeners.delete(listener) };
}

export function fakeUri(uri: string): vscode.Uri {
  return new FakeUri(uri) as unknown as vscode.Uri;
}
