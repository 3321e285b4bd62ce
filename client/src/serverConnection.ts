/**
 * The server as the features see it: started when somebody first needs it, started again when it dies, and given up, with an
 * explanation, when it dies again and again.
 */
import type {
  BinariesRequest,
  LoadModelRequest,
  ModelDetails,
  NetworkFeature,
  NetworkState,
  PurgeSavedContextRequest,
  PurgeStorageRequest,
  RefusalRequest,
  RenderedPrompt,
  SavedContext,
  ServerStatus,
  StoredFiles,
  SuggestionReport,
  SuggestionStatistics,
} from '#protocol';
import {
  EventEmitter,
  ExtensionMode,
  l10n,
  workspace,
  type Disposable,
  type Event,
  type ExtensionContext,
  type LogOutputChannel,
  type Position,
  type Uri,
} from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';
import type { ChatClient, ChatNotice } from './chatClient';
import type { Config } from './config';
import { CrashPolicy } from './crashPolicy';
import { isWrittenIn } from './documents';
import type { EditClient } from './editClient';
import type { DefinitionFinder, ServerClient } from './languageClient';
import type { ModelClient } from './modelClient';
import { messages } from './ui/messages';

export class ServerConnection implements Disposable {
  private readonly statusEmitter = new EventEmitter<ServerStatus | undefined>();
  private readonly crashes = new CrashPolicy();
  private readonly subscriptions: readonly Disposable[];
  private client: ServerClient | undefined;
  private starting: Promise<ServerClient> | undefined;
  private restarting: Promise<void> | undefined;
  private lastStatus: ServerStatus | undefined;
  private disposed = false;
  private gaveUp = false;
  private startsAgain = false;
  /** What the process was told, once there has been one. */
  private airGapped: boolean | undefined;
  private lastNetwork: NetworkState | undefined;
  private lastStartRefusal = '';
  /** Fires with undefined when the server has gone. */
  readonly onStatus: Event<ServerStatus | undefined> = this.statusEmitter.event;
  private readonly chatEmitter = new EventEmitter<ChatNotice>();
  /** What the server says of conversations and their model; of whichever server runs. */
  readonly onChat: Event<ChatNotice> = this.chatEmitter.event;

  constructor(
    private readonly extension: ExtensionContext,
    private readonly config: Config,
    private readonly log: LogOutputChannel,
    private readonly middleware: Middleware,
    private readonly definitions: DefinitionFinder,
  ) {
    const startIfNeeded = (): void => {
      if (workspace.textDocuments.some((document) => this.needsServer(document))) {
        this.startQuietly();
      }
    };
    this.subscriptions = [
      config.onDidChange(() => {
        if (this.airGapped !== undefined && this.airGapped !== config.airGapped()) {
          this.restart().catch(() => undefined); // what a process may do is settled when it starts
        } else {
          this.client?.sendSettings();
          startIfNeeded();
        }
      }),
      workspace.onDidOpenTextDocument((document) => {
        if (this.needsServer(document)) {
          this.startQuietly();
        }
      }),
    ];
    // Not now: what the editor waits for is our activation, and not that.
    setImmediate(startIfNeeded);
  }

  /** What the server last said of itself; undefined while there is none. */
  get status(): ServerStatus | undefined {
    return this.lastStatus;
  }

  /** What keeps the server from the network, as it said when it started; undefined while there is none. */
  get network(): NetworkState | undefined {
    return this.lastNetwork;
  }

  /** Why the server does not want to start, a sentence; '' = it does. */
  get startRefusal(): string {
    return this.lastStartRefusal;
  }

  /** Whether nobody has needed a server so far. */
  get notNeeded(): boolean {
    return this.starting === undefined;
  }

  /** Whether the server crashed so often that it is not started again. */
  get givenUp(): boolean {
    return this.gaveUp;
  }

  /** A new process, also after the crash policy gave up or a start failed. One restart at a time. */
  restart(): Promise<void> {
    this.restarting ??= this.replaceClient().finally(() => {
      this.restarting = undefined;
    });
    return this.restarting;
  }

  async fetchStatus(): Promise<ServerStatus> {
    return (await this.started()).fetchStatus();
  }

  async modelDetails(): Promise<ModelDetails | null> {
    return (await this.started()).modelDetails();
  }

  /** Asked anew, with the sockets that are open now. */
  async networkState(): Promise<NetworkState> {
    return (await this.started()).networkState();
  }

  /**
   * Whether a feature may use the network. Every feature that could asks this before it does. The server alone reads the policy; where
   * there is no server that could be asked, nothing is allowed.
   */
  networkAllows(feature: NetworkFeature): Promise<boolean> {
    return this.networkState().then(
      ({ features }) => features[feature].allowed,
      () => false,
    );
  }

  async lastPrompt(): Promise<RenderedPrompt | null> {
    return (await this.started()).lastPrompt();
  }

  async why(): Promise<SuggestionReport | null> {
    return (await this.started()).why();
  }

  async statistics(): Promise<SuggestionStatistics> {
    return (await this.started()).statistics();
  }

  async clearStatistics(): Promise<void> {
    await (await this.started()).clearStatistics();
  }

  async loadModel(path: string): Promise<LoadModelRequest.Result> {
    return (await this.started()).loadModel(path);
  }

  /** What the server does with imported models. */
  async models(): Promise<ModelClient> {
    return (await this.started()).models;
  }

  /** What the server does for the chat. */
  async chat(): Promise<ChatClient> {
    return (await this.started()).chat;
  }

  /** What the server does for edits, new files and what is offered next. */
  async edits(): Promise<EditClient> {
    return (await this.started()).edits;
  }

  async restartEngine(): Promise<LoadModelRequest.Result> {
    return (await this.started()).restartEngine();
  }

  /** Does nothing while there is no server. */
  sendCursor(document: Uri, position: Position): void {
    this.client?.sendCursor(document, position);
  }

  /** Why nothing is completed in a document; '' = it is, or no server runs. */
  async refusal(document: Uri): Promise<RefusalRequest.Result['reason']> {
    return (await this.client?.refusal(document)) ?? '';
  }

  async savedContext(): Promise<SavedContext> {
    return (await this.started()).savedContext();
  }

  /** By workspace folders' URIs; null = everything. */
  async purgeSavedContext(workspaces: readonly string[] | null): Promise<PurgeSavedContextRequest.Result> {
    return (await this.started()).purgeSavedContext(workspaces);
  }

  /** What the server keeps on disk, by kind. */
  async storage(): Promise<readonly StoredFiles[]> {
    return (await this.started()).storage();
  }

  async purgeStorage(kind: PurgeStorageRequest.Params['kind']): Promise<PurgeStorageRequest.Result> {
    return (await this.started()).purgeStorage(kind);
  }

  /** What exactly runs; takes a second for each GiB of the model. */
  async binaries(): Promise<BinariesRequest.Result> {
    return (await this.started()).binaries();
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.disposed = true;
    await this.starting?.catch(() => undefined);
    await this.client?.stop();
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
    this.client?.dispose();
    this.statusEmitter.dispose();
    this.chatEmitter.dispose();
  }

  private needsServer(document: { uri: { scheme: string }; languageId: string }): boolean {
    return !this.disposed && isWrittenIn(document) && this.config.enabledFor(document.languageId);
  }

  private startQuietly(): void {
    this.started().catch(() => undefined); // said where it failed
  }

  private started(): Promise<ServerClient> {
    this.starting ??= this.startClient();
    return this.starting;
  }

  private async startClient(): Promise<ServerClient> {
    try {
      const { ServerClient } = await import('./languageClient');
      this.airGapped = this.config.airGapped();
      const client = new ServerClient({
        extensionPath: this.extension.extensionPath,
        development: this.extension.extensionMode === ExtensionMode.Development,
        storagePath: this.extension.globalStorageUri.fsPath,
        // Of several folders: whichever they are, now and later.
        workspaceId: workspace.workspaceFile?.toString(),
        log: this.log,
        middleware: this.middleware,
        definitions: this.definitions,
        settings: () => this.config.serverSettings(),
        airGapped: this.airGapped,
        onStatus: (status) => {
          this.setStatus(status);
        },
        onChat: (notice) => {
          this.chatEmitter.fire(notice);
        },
        onEnd: () => this.mayGoOn(),
        onRefusal: (reason) => {
          this.refused(reason);
        },
      });
      this.client = client;
      this.startsAgain = false;
      this.lastStartRefusal = '';
      await client.start().catch((error: unknown) => {
        if (!this.startsAgain) {
          throw error;
        } // It died while it started. Another one is on its way, and requests wait for it.
      });
      this.learnNetwork(client);
      return client;
    } catch (error) {
      this.log.error(
        `The server could not be started: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.gaveUp = true;
      this.setStatus(undefined);
      throw error;
    }
  }

  private async replaceClient(): Promise<void> {
    this.crashes.reset();
    await this.starting?.catch(() => undefined);
    await this.client?.stop();
    this.client?.dispose();
    this.gaveUp = false;
    // A client whose start has failed cannot be started again.
    this.starting = this.startClient();
    await this.starting;
  }

  private refused(reason: string): void {
    if (this.lastStartRefusal !== reason) {
      this.lastStartRefusal = reason;
      this.gaveUp = true;
      this.setStatus(undefined);
      void this.explain(reason);
    }
  }

  private mayGoOn(): boolean {
    if (this.disposed || this.lastStartRefusal !== '') {
      return false;
    }
    this.startsAgain = this.crashes.mayRestart(Date.now());
    if (this.startsAgain) {
      this.log.warn('The server has ended unexpectedly. Starting it again.');
      return true;
    }
    this.gaveUp = true;
    void this.explainCrashes();
    return false;
  }

  private setStatus(status: ServerStatus | undefined): void {
    this.lastStatus = status;
    this.statusEmitter.fire(status);
  }

  private learnNetwork(client: ServerClient): void {
    client.networkState().then(
      (state) => {
        if (client === this.client) {
          this.lastNetwork = state;
          this.statusEmitter.fire(this.lastStatus);
        }
      },
      () => undefined, // it has gone already
    );
  }

  private explainCrashes(): Promise<void> {
    return this.explain(
      l10n.t(
        'Niwaki has crashed several times within three minutes and was not started again. The log may say why; if you chose a model file, try the built-in model.',
      ),
    );
  }

  private async explain(why: string): Promise<void> {
    const showLog = l10n.t('Show Log');
    const restart = l10n.t('Restart');
    const chosen = await messages.error(why, restart, showLog);
    if (chosen === showLog) {
      this.log.show();
    } else if (chosen === restart) {
      await this.restart().catch(() => undefined); // said where it failed
    }
  }
}
