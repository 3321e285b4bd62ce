/** Read-only pages that Niwaki shows in an editor: the rendered prompt, what the engine runs on. Nothing is written to disk. */
import {
  EventEmitter,
  Uri,
  window,
  workspace,
  type Disposable,
  type TextDocumentContentProvider,
} from 'vscode';

const scheme = 'niwaki';

export class VirtualDocuments implements TextDocumentContentProvider, Disposable {
  private readonly emitter = new EventEmitter<Uri>();
  private readonly contents = new Map<string, string>();
  readonly onDidChange = this.emitter.event;
  /** After the event: VS Code looks for it once, when it is told of the provider. */
  private readonly registration = workspace.registerTextDocumentContentProvider(scheme, this);

  provideTextDocumentContent(uri: Uri): string {
    return this.contents.get(uri.path) ?? '';
  }

  /** Shows the page, with this content from now on. */
  async show(name: string, content: string): Promise<void> {
    const uri = Uri.from({ scheme, path: `/${name}` });
    this.contents.set(uri.path, content);
    this.emitter.fire(uri);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
  }

  /** Changes a page that is shown, and leaves the focus where it is. */
  update(name: string, content: string): void {
    const uri = Uri.from({ scheme, path: `/${name}` });
    this.contents.set(uri.path, content);
    this.emitter.fire(uri);
  }

  dispose(): void {
    this.registration.dispose();
    this.emitter.dispose();
  }
}
