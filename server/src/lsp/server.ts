/** The language server: wires the connection to completion and models. The only room that knows LSP. */
import {
  acceptedCommand,
  protocolVersion,
  SettingsNotification,
  type InitializationOptions,
  type ServerSettings,
} from '#protocol';
import { join } from 'node:path';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  ErrorCodes,
  ResponseError,
  TextDocuments,
  TextDocumentSyncKind,
  type Connection,
  type InitializeParams,
  type InitializeResult,
} from 'vscode-languageserver/node';
import { Completer, Statistics, WarmUp } from '../completion';
import type { EditedDocument } from '../edit';
import type { EnginePort } from '../engine';
import {
  bundledText,
  CalibrationStore,
  ChatFormats,
  ChatModel,
  dataFolder,
  embeddedCalibrationPath,
  embeddedModelPath,
  FindingStore,
  KvCalibrator,
  KvPageFolders,
  ModelHost,
  ModelLibrary,
  readCatalogue,
  StrategyProbe,
} from '../models';
import type { Network } from '../network';
import { Syntax } from '../syntax';
import type { Log } from '../util/log';
import { PowerSource } from '../util/power';
import { ChosenFiles } from '../workspace';
import { registerChat } from './chat';
import { registerEdits } from './edit';
import { registerFiles } from './files';
import { isEnabled, registerInlineCompletion } from './inlineCompletion';
import { registerModelLibrary } from './modelLibrary';
import type { ModelStores } from './modelRemoval';
import { registerModelRequests } from './modelRequests';
import { logNetwork, registerNetwork } from './network';
import { registerNextEdit } from './nextEdit';
import { registerPrivacy } from './privacy';
import { registerSavedContext, savedPlace } from './savedContext';
import { choiceOf, defaultSettings, readSettings } from './settings';
import { StatusReporter } from './statusReporter';
import { registerWarmUp } from './warmUp';
import { registerWhy } from './why';
import { registerWorkspaceContext } from './workspaceContext';

const defaultCalibrateAfterSeconds = 60;
const defaultProbeAfterSeconds = 2;

export interface ServerDeps {
  readonly connection: Connection;
  readonly log: Log;
  readonly engine: EnginePort;
  readonly network: Network;
  /** Where the embedded model lies when the client does not say. */
  readonly extensionPath: string;
  readonly version: string;
}

function readOptions(value: unknown): Partial<InitializationOptions> {
  return typeof value === 'object' && value !== null ? value : {};
}

function checkVersion(options: Partial<InitializationOptions>): void {
  if (options.protocolVersion !== undefined && options.protocolVersion !== protocolVersion) {
    throw new ResponseError(
      ErrorCodes.InvalidRequest,
      `Niwaki's server speaks version ${String(protocolVersion)} of its protocol, the client version ` +
        `${String(options.protocolVersion)}. Reload the window to use one build for both.`,
    );
  }
}

/** What is kept for models on the disk; nothing where the client has named no folder. */
function storesIn(storagePath: string | undefined): ModelStores {
  return storagePath === undefined
    ? { calibrations: undefined, findings: undefined, pages: undefined }
    : {
        // What `niwaki kv-calibrate` has made on the command line counts, too.
        calibrations: new CalibrationStore(join(storagePath, 'kv'), [join(dataFolder(undefined), 'kv')]),
        findings: new FindingStore(join(storagePath, 'strategy')),
        pages: new KvPageFolders(storagePath),
      };
}

/** Strings are immutable: what the editor does meanwhile changes nothing. */
function snapshotOf(documents: TextDocuments<TextDocument>, uri: string): EditedDocument | undefined {
  const document = documents.get(uri);
  return (
    document && { uri, languageId: document.languageId, version: document.version, text: document.getText() }
  );
}

export function startServer(deps: ServerDeps): void {
  const { connection, log, engine, network, extensionPath, version } = deps;
  const documents = new TextDocuments(TextDocument);
  let settings: ServerSettings = defaultSettings;
  let workspaceFolders: readonly string[] = [];
  let chatHost: ModelHost | undefined;
  let dispose: () => Promise<void> = () => engine.dispose();

  const power = new PowerSource();
  const quiet = async (): Promise<boolean> =>
    settings.quiet === 'always' || (settings.quiet === 'onBattery' && (await power.onBattery()));
  /** Whether the machine may be kept busy with what nobody waits for. */
  const mayWork = async (): Promise<boolean> => !(await quiet()) && !(await power.onBattery());
  const applySettings = (host: ModelHost, value: unknown): void => {
    settings = readSettings(value);
    host.setUnloadAfter(settings.unloadAfterMinutes * 60_000);
    chatHost?.setUnloadAfter(settings.unloadAfterMinutes * 60_000);
    host.setStrategy(settings.completion.strategy);
  };

  connection.onInitialize((params: InitializeParams): InitializeResult => {
    const options = readOptions(params.initializationOptions);
    checkVersion(options);
    workspaceFolders = (params.workspaceFolders ?? []).map((folder) => folder.uri);
    const folder = options.extensionPath ?? extensionPath;
    const stores = storesIn(options.storagePath);
    const { pages: pageFolders } = stores;
    const embeddedPath = embeddedModelPath(folder);
    const library =
      options.storagePath === undefined
        ? undefined
        : new ModelLibrary({
            ...{ engine, log, folder: join(options.storagePath, 'models') },
            catalogue: () => readCatalogue(folder),
          });
    const newCalibrator = (): KvCalibrator =>
      new KvCalibrator({
        engine,
        log,
        ...(stores.calibrations === undefined ? {} : { store: stores.calibrations }),
        embeddedPath: embeddedCalibrationPath(folder),
        text: async () => (await bundledText(folder)).calibrate,
        idleMs: (options.calibrateAfterSeconds ?? defaultCalibrateAfterSeconds) * 1000,
        mayWork,
      });
    const calibrator = newCalibrator();
    const probe = new StrategyProbe({
      engine,
      log,
      ...(stores.findings === undefined ? {} : { store: stores.findings }),
      idleMs: (options.probeAfterSeconds ?? defaultProbeAfterSeconds) * 1000,
      mayWork,
    });
    const problemOf = library && { problemOf: (path: string) => library.problemOf(path) };
    const host = new ModelHost({ ...{ engine, embeddedPath, log, calibrator, probe }, ...problemOf });
    /** Loads the chat model where it is another one. */
    chatHost = new ModelHost({
      ...{ engine, embeddedPath, log, calibrator: newCalibrator(), fallback: false },
      ...problemOf,
    });
    const chatModel = new ChatModel({
      ...{ engine, library, completion: host, own: chatHost },
      choice: () => choiceOf(settings),
    });
    const chosenFiles = new ChosenFiles(() => documents.all());
    const syntax = new Syntax(join(folder, 'dist', 'syntax'), log);
    const context = registerWorkspaceContext({
      connection,
      documents,
      answersDefinitions: options.answersDefinitions === true,
      chunker: ({ text, languageId }) => syntax.chunksOf(text, languageId, { maxLines: 40, joinLines: 12 }),
      isShown: () => (host.model?.profile.contextShare ?? 0) > 0,
    });
    const completer = new Completer(engine, host, {
      savedPlace: (uri) => savedPlace(uri, workspaceFolders, pageFolders, settings),
      syntax,
      context: context.planner,
      otherTexts: (uri) => context.planner.recentTexts(uri).map(({ text }) => text),
    });
    const statistics = new Statistics({ textOf: (uri) => documents.get(uri)?.getText() });
    const warmUp = new WarmUp({
      host,
      completer,
      mayWork,
      prepare: (place, signal) => context.prepare(place, signal),
    });
    const onAsked = registerWarmUp({
      connection,
      documents,
      warmUp,
      settings: () => settings,
      workspaceFolders: () => workspaceFolders,
      onCursor: (uri) => {
        context.planner.used(uri);
      },
    });
    const reporter = new StatusReporter({ connection, engine, host, completer, quiet });
    registerInlineCompletion({
      connection,
      documents,
      completer,
      statistics,
      log,
      settings: () => settings,
      quiet,
      workspaceFolders: () => workspaceFolders,
      refused: (uri) => context.refused(uri),
      onAsked,
    });
    registerNextEdit({
      ...{ connection, documents, log, engine, host, syntax, mayWork },
      settings: () => settings,
      workspaceFolders: () => workspaceFolders,
      refused: (uri) => context.refused(uri),
    });
    registerWhy({ connection, completer, statistics });
    registerNetwork(connection, network);
    registerModelRequests({ connection, engine, host, completer, settings: () => settings });
    const endChats = registerChat({
      ...{ connection, log, engine, mayWork, quiet, model: chatModel, files: chosenFiles },
      storagePath: options.storagePath,
      workspaceFolders: () => workspaceFolders,
      workspaceId: options.workspaceId,
    });
    const formats = new ChatFormats(engine, chatModel);
    const forgetEdits = registerEdits({
      ...{ connection, engine, quiet, formats, syntax, model: chatModel, files: chosenFiles },
      document: (uri) => snapshotOf(documents, uri),
      folders: () => workspaceFolders,
    });
    registerFiles({
      ...{ connection, engine, quiet, model: chatModel, files: chosenFiles },
      formatOf: (model) => formats.of(model),
      folders: () => workspaceFolders,
    });
    registerPrivacy({
      ...{ connection, host, endChats, extensionPath: folder, storagePath: options.storagePath },
    });
    const endImports = registerModelLibrary({
      ...{ connection, log, engine, host, chatModel, library, stores, embeddedPath },
      text: async () => (await bundledText(folder)).measure,
      settings: () => settings,
    });
    const savedContextSettings = registerSavedContext({
      connection,
      log,
      folders: pageFolders,
      settings: () => settings,
    });
    const configure = (): void => {
      context.configure(settings, workspaceFolders);
      chosenFiles.configure({ exclude: settings.context.exclude, folders: workspaceFolders });
    };
    connection.onNotification(SettingsNotification.type, (value) => {
      applySettings(host, value);
      configure();
      savedContextSettings();
      void chatModel.refresh();
      // A user who has just chosen a model wants to hear whether it can be used.
      host.choose(choiceOf(settings)).catch((error: unknown) => {
        log.error(error instanceof Error ? error.message : String(error));
      });
      reporter.changed();
    });
    documents.onDidOpen(({ document }) => {
      if (isEnabled(settings, document.languageId)) {
        host.wake();
      }
    });
    documents.onDidClose(({ document }) => {
      statistics.forget(document.uri);
      forgetEdits(document.uri);
      completer.forget(document.uri).catch((error: unknown) => {
        log.warn(error instanceof Error ? error.message : String(error));
      });
    });
    dispose = async () => {
      reporter.dispose();
      warmUp.dispose();
      syntax.dispose();
      statistics.dispose();
      await endChats();
      await endImports();
      await engine.dispose();
    };
    connection.onInitialized(() => {
      if (params.capabilities.workspace?.workspaceFolders === true) {
        connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
          const gone = new Set(removed.map((folder) => folder.uri));
          workspaceFolders = [
            ...workspaceFolders.filter((uri) => !gone.has(uri)),
            ...added.map((folder) => folder.uri),
          ];
          configure();
        });
      }
      logNetwork(network, log);
      applySettings(host, options.settings);
      configure();
      savedContextSettings();
      host.expect(choiceOf(settings));
      void library?.clear();
    });
    return {
      serverInfo: { name: 'niwaki', version },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        inlineCompletionProvider: true,
        executeCommandProvider: { commands: [acceptedCommand] },
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  });
  connection.onShutdown(() => dispose());
  documents.listen(connection);
  connection.listen();
}
