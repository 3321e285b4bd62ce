/** The language server's process: starting it, talking to it, starting it again when it dies. */
import {
  LastPromptRequest,
  LoadModelRequest,
  ModelInfoRequest,
  protocolVersion,
  RestartEngineRequest,
  SettingsNotification,
  StatusNotification,
  StatusRequest,
  type InitializationOptions,
  type ModelDetails,
  type RenderedPrompt,
  type ServerStatus,
} from '#protocol';
import { join } from 'node:path';
import {
  EventEmitter,
  l10n,
  window,
  type Disposable,
  type Event,
  type ExtensionContext,
  type LogOutputChannel,
} from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  TransportKind,
  type InitializeParams,
  type LanguageClientOptions,
  type Middleware,
} from 'vscode-languageclient/node';
import type { Config } from './config';
import { CrashPolicy } from './crashPolicy';

/** Documents that people write in; not output channels, search results and the like. */
export const documentSelector = ['file', 'untitled', 'vscode-vfs', 'vscode-notebook-cell'].map((scheme) => ({
  scheme,
}));

/** Waiting longer for a server that does not answer helps nobody. */
const stopTimeoutMs = 2000;

/**
 * Keeps its process id to itself: a server that knows it looks every three seconds whether the process lives, and ours learns that
 * from its channel.
 */
class QuietLanguageClient extends LanguageClient {
  protected override fillInitializeParams(params: InitializeParams): void {
    super.fillInitializeParams(params);
    params.processId = null;
  }
}

export class ServerConnection implements Disposable {
  private readonly statusEmitter = new EventEmitter<ServerStatus | undefined>();
  private readonly crashes = new CrashPolicy();
  private client: LanguageClient;
  private clientSubscriptions: Disposable[] = [];
  private readonly settingsSubscription: Disposable;
  private restarting: Promise<void> | undefined;
  private lastStatus: ServerStatus | undefined;
  private disposed = false;
  private gaveUp = false;
  /** Fires with undefined when the server has gone. */
  readonly onStatus: Event<ServerStatus | undefined> = this.statusEmitter.event;

  constructor(
    private readonly extension: ExtensionContext,
    private readonly config: Config,
    private readonly log: LogOutputChannel,
    private readonly middleware: Middleware,
  ) {
    this.client = this.createClient();
    this.settingsSubscription = config.onDidChange(() => {
      if (this.client.state === State.Running) {
        void this.client.sendNotification(SettingsNotification.type, config.serverSettings());
      }
    });
  }

  /** What the server last said of itself; undefined while there is none. */
  get status(): ServerStatus | undefined {
    return this.lastStatus;
  }

  /** Whether the server crashed so often that it is not started again. */
  get givenUp(): boolean {
    return this.gaveUp;
  }

  async start(): Promise<void> {
    try {
      await this.client.start();
    } catch (error) {
      this.gaveUp = true;
      this.setStatus(undefined);
      throw error;
    }
  }

  /** A new process, also after the crash policy gave up or a start failed. One restart at a time. */
  restart(): Promise<void> {
    this.restarting ??= this.replaceClient().finally(() => {
      this.restarting = undefined;
    });
    return this.restarting;
  }

  private async replaceClient(): Promise<void> {
    this.crashes.reset();
    await this.stopClient();
    for (const subscription of this.clientSubscriptions) {
      subscription.dispose();
    }
    this.gaveUp = false;
    // A client whose start has failed cannot be started again.
    this.client = this.createClient();
    await this.start();
  }

  fetchStatus(): Promise<ServerStatus> {
    return this.client.sendRequest(StatusRequest.type);
  }

  modelDetails(): Promise<ModelDetails | null> {
    return this.client.sendRequest(ModelInfoRequest.type);
  }

  lastPrompt(): Promise<RenderedPrompt | null> {
    return this.client.sendRequest(LastPromptRequest.type);
  }

  loadModel(path: string): Promise<LoadModelRequest.Result> {
    return this.client.sendRequest(LoadModelRequest.type, { path });
  }

  restartEngine(): Promise<LoadModelRequest.Result> {
    return this.client.sendRequest(RestartEngineRequest.type);
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.disposed = true;
    await this.stopClient();
  }

  dispose(): void {
    this.settingsSubscription.dispose();
    for (const subscription of this.clientSubscriptions) {
      subscription.dispose();
    }
    this.statusEmitter.dispose();
  }

  /** A server that does not end in time is left to its fate: it ends with its channel. */
  private async stopClient(): Promise<void> {
    if (this.client.state !== State.Stopped) {
      await this.client.stop(stopTimeoutMs).catch((error: unknown) => {
        this.log.warn(`The server did not stop by itself: ${String(error)}`);
      });
    }
  }

  private createClient(): LanguageClient {
    const client = new QuietLanguageClient(
      'niwaki',
      'Niwaki',
      this.serverOptions(),
      this.clientOptions(this.middleware),
    );
    this.clientSubscriptions = [
      client.onNotification(StatusNotification.type, (status) => {
        this.setStatus(status);
      }),
      client.onDidChangeState(({ newState }) => {
        if (newState !== State.Running) {
          this.setStatus(undefined);
        }
      }),
    ];
    return client;
  }

  private setStatus(status: ServerStatus | undefined): void {
    this.lastStatus = status;
    this.statusEmitter.fire(status);
  }

  private serverOptions() {
    const module = join(this.extension.extensionPath, 'dist', 'server.js');
    const run = { module, transport: TransportKind.ipc };
    return {
      run,
      debug: { ...run, options: { execArgv: ['--nolazy', '--inspect=6019', '--enable-source-maps'] } },
    };
  }

  private clientOptions(middleware: Middleware): LanguageClientOptions {
    return {
      documentSelector,
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: (): InitializationOptions => ({
        protocolVersion,
        settings: this.config.serverSettings(),
        extensionPath: this.extension.extensionPath,
      }),
      middleware,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          if (this.disposed) {
            return { action: CloseAction.DoNotRestart, handled: true };
          }
          if (this.crashes.mayRestart(Date.now())) {
            this.log.warn('The server has ended unexpectedly. Starting it again.');
            return { action: CloseAction.Restart, handled: true };
          }
          this.gaveUp = true;
          void this.explainCrashes();
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
    };
  }

  private async explainCrashes(): Promise<void> {
    const showLog = l10n.t('Show Log');
    const restart = l10n.t('Restart');
    const chosen = await window.showErrorMessage(
      l10n.t(
        'Niwaki has crashed several times within three minutes and was not started again. The log may say why; if you chose a model file, try the built-in model.',
      ),
      restart,
      showLog,
    );
    if (chosen === showLog) {
      this.log.show();
    } else if (chosen === restart) {
      await this.restart();
    }
  }
}
