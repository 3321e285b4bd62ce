/**
 * One language client with its server process. The only file that loads vscode-languageclient, which takes tens of milliseconds:
 * imported when a server is first needed (serverConnection.ts), never while the extension is activated.
 */
import {
  BinariesRequest,
  ClearStatisticsRequest,
  CursorNotification,
  DefinitionsRequest,
  LastPromptRequest,
  LoadModelRequest,
  ModelInfoRequest,
  NetworkStateRequest,
  protocolVersion,
  PurgeSavedContextRequest,
  PurgeStorageRequest,
  RefusalRequest,
  RestartEngineRequest,
  SavedContextRequest,
  SettingsNotification,
  StatisticsRequest,
  StatusNotification,
  StatusRequest,
  StorageRequest,
  WhyRequest,
  type InitializationOptions,
  type ModelDetails,
  type NetworkState,
  type RenderedPrompt,
  type SavedContext,
  type ServerSettings,
  type ServerStatus,
  type StoredFiles,
  type SuggestionReport,
  type SuggestionStatistics,
} from '#protocol';
import { join } from 'node:path';
import { Position, type CancellationToken, type LogOutputChannel, type Uri } from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ErrorCodes,
  LanguageClient,
  ResponseError,
  RevealOutputChannelOn,
  State,
  TransportKind,
  type Disposable,
  type InitializeParams,
  type LanguageClientOptions,
  type Middleware,
} from 'vscode-languageclient/node';
import { ChatClient, type ChatNotice } from './chatClient';
import { documentSelector } from './documents';
import { EditClient } from './editClient';
import { ModelClient } from './modelClient';

/** Waiting longer for a server that does not answer helps nobody. */
const stopTimeoutMs = 2000;

/** Finds where the names at some positions of a document are defined. */
export type DefinitionFinder = (
  document: Uri,
  version: number,
  positions: readonly Position[],
  token: CancellationToken,
) => Promise<{
  readonly places: readonly (readonly {
    readonly uri: Uri;
    readonly startLine: number;
    readonly endLine: number;
  }[])[];
  readonly complete: boolean;
}>;

export interface ServerClientOptions {
  readonly extensionPath: string;
  /** Whether the server may be debugged, where the editor's extensions are. */
  readonly development: boolean;
  /** A folder of our own outside the workspace. */
  readonly storagePath: string;
  /** Undefined where the folder is the workspace. */
  readonly workspaceId: string | undefined;
  readonly log: LogOutputChannel;
  readonly middleware: Middleware;
  readonly definitions: DefinitionFinder;
  readonly settings: () => ServerSettings;
  /** The process is told at its start, before it can read anything. */
  readonly airGapped: boolean;
  /** Undefined when the server has gone. */
  readonly onStatus: (status: ServerStatus | undefined) => void;
  readonly onChat: (notice: ChatNotice) => void;
  /** The server has ended without being asked to: whether it is started again. */
  readonly onEnd: () => boolean;
  /** The server does not want to start: why, a sentence for the user. */
  readonly onRefusal: (reason: string) => void;
}

/**
 * Keeps its process id to itself: a server that knows it looks every three seconds whether the process lives, and ours learns that
 * from its channel.
 */
class QuietLanguageClient extends LanguageClient {
  /** Also of a server that the client has started again by itself, where nobody waits for the start. */
  onRefusal: (reason: string) => void = () => undefined;

  protected override fillInitializeParams(params: InitializeParams): void {
    super.fillInitializeParams(params);
    params.processId = null;
  }

  /** A server that died while it started, or does not want to, is others' matter: what the user is told of it, they say in plain words. */
  override error(message: string, data?: unknown, show?: boolean | 'force'): void {
    const died = data instanceof ResponseError && data.code === ErrorCodes.PendingResponseRejected;
    const refusal = refusalOf(data);
    super.error(message, data, died || refusal !== '' ? false : show);
    if (refusal !== '') {
      this.onRefusal(refusal);
    }
  }
}

/** Why a server did not want to start, a sentence for the user; '' when the error is another one. */
function refusalOf(error: unknown): string {
  return error instanceof ResponseError && error.code === ErrorCodes.InvalidRequest ? error.message : '';
}

/** `settings`: those that a server is started with. */
function clientOptions(options: ServerClientOptions, settings: () => ServerSettings): LanguageClientOptions {
  return {
    documentSelector: [...documentSelector],
    outputChannel: options.log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: (): InitializationOptions => ({
      protocolVersion,
      settings: settings(),
      extensionPath: options.extensionPath,
      storagePath: options.storagePath,
      ...(options.workspaceId !== undefined && { workspaceId: options.workspaceId }),
      answersDefinitions: true,
    }),
    middleware: options.middleware,
    initializationFailedHandler: () => false, // no second try with the same server; the failed start says why
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({
        action: options.onEnd() ? CloseAction.Restart : CloseAction.DoNotRestart,
        handled: true,
      }),
    },
  };
}

export class ServerClient {
  readonly models: ModelClient;
  readonly chat: ChatClient;
  readonly edits: EditClient;
  private readonly client: LanguageClient;
  private readonly subscriptions: readonly Disposable[];
  /** What the server was told last, as JSON. */
  private toldSettings = '';

  constructor(private readonly options: ServerClientOptions) {
    const run = {
      module: join(options.extensionPath, 'dist', 'server.js'),
      transport: TransportKind.ipc,
      args: options.airGapped ? ['--air-gapped'] : [],
    };
    const debug = { ...run, options: { execArgv: ['--nolazy', '--inspect=6019', '--enable-source-maps'] } };
    // Only for who develops Niwaki: a debugger's port lets in whoever can reach it.
    const server = { run, debug: options.development ? debug : run };
    const client = new QuietLanguageClient(
      'niwaki',
      'Niwaki',
      server,
      clientOptions(options, () => this.tell()),
    );
    client.onRefusal = options.onRefusal;
    this.client = client;
    this.models = new ModelClient(this.client);
    this.chat = new ChatClient(this.client, options.onChat);
    this.edits = new EditClient(this.client);
    this.subscriptions = [
      this.models,
      this.chat,
      this.edits,
      this.client.onNotification(StatusNotification.type, options.onStatus),
      this.client.onRequest(DefinitionsRequest.type, (params, token) => this.definitions(params, token)),
      this.client.onDidChangeState(({ newState }) => {
        if (newState !== State.Running) {
          options.onStatus(undefined);
        } else if (this.toldSettings !== JSON.stringify(options.settings())) {
          this.sendSettings(); // they were changed while the server started
        }
      }),
    ];
  }

  start(): Promise<void> {
    return this.client.start();
  }

  /** A server that does not end in time is left to its fate: it ends with its channel. */
  async stop(): Promise<void> {
    if (this.client.state !== State.Stopped) {
      await this.client.stop(stopTimeoutMs).catch((error: unknown) => {
        this.options.log.warn(`The server did not stop by itself: ${String(error)}`);
      });
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  sendSettings(): void {
    if (this.client.state === State.Running) {
      void this.client.sendNotification(SettingsNotification.type, this.tell());
    }
  }

  private tell(): ServerSettings {
    const settings = this.options.settings();
    this.toldSettings = JSON.stringify(settings);
    return settings;
  }

  sendCursor(document: Uri, { line, character }: Position): void {
    if (this.client.state === State.Running) {
      const uri = this.client.code2ProtocolConverter.asUri(document); // as the server has heard of it
      void this.client.sendNotification(CursorNotification.type, { uri, position: { line, character } });
    }
  }

  async refusal(document: Uri): Promise<RefusalRequest.Result['reason']> {
    const uri = this.client.code2ProtocolConverter.asUri(document);
    return (await this.client.sendRequest(RefusalRequest.type, { uri })).reason;
  }

  private async definitions(
    { uri, version, positions }: DefinitionsRequest.Params,
    token: CancellationToken,
  ): Promise<DefinitionsRequest.Result> {
    const { protocol2CodeConverter, code2ProtocolConverter } = this.client;
    const asked = positions.map(({ line, character }) => new Position(line, character));
    const { places, complete } = await this.options.definitions(
      protocol2CodeConverter.asUri(uri),
      version,
      asked,
      token,
    );
    const told = places.map((list) =>
      list.map((place) => ({ ...place, uri: code2ProtocolConverter.asUri(place.uri) })),
    );
    return { places: told, complete };
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

  why(): Promise<SuggestionReport | null> {
    return this.client.sendRequest(WhyRequest.type);
  }

  statistics(): Promise<SuggestionStatistics> {
    return this.client.sendRequest(StatisticsRequest.type);
  }

  async clearStatistics(): Promise<void> {
    await this.client.sendRequest(ClearStatisticsRequest.type);
  }

  loadModel(path: string): Promise<LoadModelRequest.Result> {
    return this.client.sendRequest(LoadModelRequest.type, { path });
  }

  restartEngine(): Promise<LoadModelRequest.Result> {
    return this.client.sendRequest(RestartEngineRequest.type);
  }

  savedContext(): Promise<SavedContext> {
    return this.client.sendRequest(SavedContextRequest.type);
  }

  purgeSavedContext(workspaces: readonly string[] | null): Promise<PurgeSavedContextRequest.Result> {
    return this.client.sendRequest(PurgeSavedContextRequest.type, { workspaces });
  }

  storage(): Promise<readonly StoredFiles[]> {
    return this.client.sendRequest(StorageRequest.type);
  }

  purgeStorage(kind: PurgeStorageRequest.Params['kind']): Promise<PurgeStorageRequest.Result> {
    return this.client.sendRequest(PurgeStorageRequest.type, { kind });
  }

  networkState(): Promise<NetworkState> {
    return this.client.sendRequest(NetworkStateRequest.type);
  }

  binaries(): Promise<BinariesRequest.Result> {
    return this.client.sendRequest(BinariesRequest.type);
  }
}
