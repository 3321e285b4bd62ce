/** A page of ours in an editor's place. */
import { ViewColumn, window, type Disposable, type WebviewPanel } from 'vscode';

/** One panel, made when there is something to show and shown again after that. */
export class Page implements Disposable {
  private panel: WebviewPanel | undefined;

  constructor(private readonly viewType: string) {}

  get isOpen(): boolean {
    return this.panel !== undefined;
  }

  show(title: string, html: string, commands: readonly string[]): void {
    this.panel ??= this.open(title);
    this.panel.title = title;
    this.panel.webview.options = {
      enableScripts: false,
      enableCommandUris: commands,
      localResourceRoots: [],
    };
    this.panel.webview.html = html;
    this.panel.reveal();
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private open(title: string): WebviewPanel {
    const panel = window.createWebviewPanel(this.viewType, title, ViewColumn.Active, {
      enableFindWidget: true,
    });
    panel.onDidDispose(() => {
      this.panel = undefined;
    });
    return panel;
  }
}
