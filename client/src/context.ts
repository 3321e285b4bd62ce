/** What every feature gets. */
import type { ExtensionContext, LogOutputChannel } from 'vscode';
import type { Config } from './config';
import type { ServerConnection } from './serverConnection';
import type { VirtualDocuments } from './ui/virtualDocuments';

export interface NiwakiContext {
  readonly extension: ExtensionContext;
  readonly config: Config;
  readonly server: ServerConnection;
  readonly documents: VirtualDocuments;
  readonly log: LogOutputChannel;
  /** Another feature's command: features never import each other. */
  runCommand(command: string): Promise<void>;
}
