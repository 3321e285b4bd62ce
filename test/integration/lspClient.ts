/** A language client without an editor: forks dist/server.js as VS Code does and speaks LSP to it. */
import type {
  InitializationOptions,
  ModelDetails,
  ServerSettings,
  ServerStatus,
  SuggestionReport,
  SuggestionStatistics,
} from '#protocol';
import {
  ClearStatisticsRequest,
  CursorNotification,
  LastPromptRequest,
  ModelInfoRequest,
  SettingsNotification,
  StatisticsRequest,
  StatusNotification,
  StatusRequest,
  WhyRequest,
} from '#protocol';
import { fork, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type CancellationToken,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import type { InlineCompletionItem, Position, SelectedCompletionInfo } from 'vscode-languageserver';

export const root = join(__dirname, '..', '..');
const server = join(root, 'dist', 'server.js');

export const settings: ServerSettings = {
  modelPath: '',
  threads: 0,
  maxContextTokens: 0,
  kvCodec: 'kv4',
  kvMemoryMB: 0,
  kvDiskMB: 0,
  unloadAfterMinutes: 30,
  quiet: 'off',
  completion: {
    enabled: true,
    languages: { '*': true },
    maxTokens: 32,
    eagerness: 'more',
    strategy: 'auto',
    inComments: true,
    inStrings: true,
  },
  context: { enabled: true, exclude: [] },
};

export class LspClient {
  readonly statuses: ServerStatus[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  private readonly versions = new Map<string, number>();

  private constructor(
    readonly child: ChildProcess,
    readonly connection: MessageConnection,
  ) {
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve({ code, signal });
      });
    });
    connection.onNotification(StatusNotification.method, (status: ServerStatus) => {
      this.statuses.push(status);
    });
  }

  static async start(
    options: Partial<InitializationOptions> = {},
    environment: Record<string, string> = {},
    /** Shell commands that come first, for limits that the server inherits. */
    limits = '',
    folder = 'file:///w',
    more: readonly string[] = [],
    /** Another server than the built one. */
    {
      program = server,
      execArgv = [],
    }: { readonly program?: string; readonly execArgv?: readonly string[] } = {},
  ): Promise<LspClient> {
    if (!existsSync(server)) {
      throw new Error('dist/server.js is missing. Run "npm run build" first.');
    }
    const spawnOptions: SpawnOptions = {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    };
    const child =
      limits === ''
        ? fork(program, ['--node-ipc', ...more], { ...spawnOptions, execArgv: [...execArgv] })
        : spawn(
            '/bin/sh',
            ['-c', `${limits}; exec "$0" "$@"`, process.execPath, server, '--node-ipc', ...more],
            spawnOptions,
          );
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    const client = new LspClient(child, connection);
    connection.listen();
    // A test that fails before it stops its server must not keep the suite waiting for it.
    child.unref();
    child.channel?.unref();
    await connection.sendRequest('initialize', {
      processId: null, // as our client does
      rootUri: null,
      workspaceFolders: [{ uri: folder, name: 'w' }],
      capabilities: {},
      initializationOptions: { protocolVersion: 1, settings, extensionPath: root, ...options },
    });
    await connection.sendNotification('initialized', {});
    return client;
  }

  /** Resolves when the server says that it is ready. A server that is at rest is woken, as by a user who opens a file. */
  async ready(): Promise<ServerStatus> {
    if ((await this.status()).state === 'asleep') {
      await this.open('file:///w/wake.ts', '');
      await this.close('file:///w/wake.ts');
    }
    return this.until('ready', (status) => status.state === 'ready' || status.state === 'failed');
  }

  /** Asks for the status until it is as wanted. */
  async until(what: string, wanted: (status: ServerStatus) => boolean, ms = 20_000): Promise<ServerStatus> {
    const end = Date.now() + ms;
    for (;;) {
      const status = await this.status();
      if (wanted(status)) {
        return status;
      }
      if (Date.now() > end) {
        throw new Error(`${what}: not within ${String(ms)} ms, but ${JSON.stringify(status)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async configure(changes: Partial<ServerSettings>): Promise<void> {
    await this.connection.sendNotification(SettingsNotification.method, { ...settings, ...changes });
  }

  status(): Promise<ServerStatus> {
    return this.connection.sendRequest(StatusRequest.method);
  }

  modelInfo(): Promise<ModelDetails | null> {
    return this.connection.sendRequest(ModelInfoRequest.method);
  }

  lastPrompt(): Promise<LastPromptResult> {
    return this.connection.sendRequest(LastPromptRequest.method);
  }

  why(): Promise<SuggestionReport | null> {
    return this.connection.sendRequest(WhyRequest.method);
  }

  statistics(): Promise<SuggestionStatistics> {
    return this.connection.sendRequest(StatisticsRequest.method);
  }

  clearStatistics(): Promise<null> {
    return this.connection.sendRequest(ClearStatisticsRequest.method);
  }

  /** As an editor does when the user has accepted the item. */
  accepted(item: InlineCompletionItem | undefined): Promise<unknown> {
    return this.connection.sendRequest('workspace/executeCommand', {
      command: item?.command?.command,
      arguments: item?.command?.arguments,
    });
  }

  async open(uri: string, text: string, languageId = 'typescript'): Promise<void> {
    this.versions.set(uri, 1);
    await this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId, version: 1, text },
    });
  }

  async insert(uri: string, position: Position, text: string): Promise<void> {
    const version = (this.versions.get(uri) ?? 0) + 1;
    this.versions.set(uri, version);
    await this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version },
      contentChanges: [{ range: { start: position, end: position }, text }],
    });
  }

  /** As our client does when the cursor has come to rest. */
  async cursor(uri: string, position: Position): Promise<void> {
    await this.connection.sendNotification(CursorNotification.method, { uri, position });
  }

  async close(uri: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  }

  complete(
    uri: string,
    position: Position,
    selectedCompletionInfo?: SelectedCompletionInfo,
    token?: CancellationToken,
  ): Promise<InlineCompletionItem[]> {
    return this.connection.sendRequest(
      'textDocument/inlineCompletion',
      {
        textDocument: { uri },
        position,
        context: { triggerKind: 2, ...(selectedCompletionInfo && { selectedCompletionInfo }) },
      },
      ...(token === undefined ? [] : [token]),
    );
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await this.connection.sendRequest('shutdown');
      await this.connection.sendNotification('exit');
      await this.exited;
    }
    this.connection.dispose();
  }
}

type LastPromptResult = { text: string; tokens: number; suggestion: string; healed: string } | null;
