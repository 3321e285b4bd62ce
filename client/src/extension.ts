/** Composes the extension; everything else is in the features. */
import { commands, ExtensionMode, window, type ExtensionContext } from 'vscode';
import { createApi, type NiwakiApi } from './api';
import { Config } from './config';
import type { NiwakiContext } from './context';
import { findDefinitions } from './features/context';
import * as chat from './features/chat';
import * as cursor from './features/cursor';
import * as diagnosticsBundle from './features/diagnosticsBundle';
import * as edit from './features/edit';
import * as engineInfo from './features/engineInfo';
import * as files from './features/files';
import { inlineCompletionMiddleware } from './features/inlineCompletion';
import * as menu from './features/menu';
import * as models from './features/models';
import * as nextEdit from './features/nextEdit';
import * as privacyReport from './features/privacyReport';
import * as promptView from './features/promptView';
import * as restart from './features/restart';
import * as savedContext from './features/savedContext';
import * as status from './features/status';
import * as toggle from './features/toggle';
import * as tryIt from './features/tryIt';
import * as why from './features/why';
import { ServerConnection } from './serverConnection';
import { VirtualDocuments } from './ui/virtualDocuments';

let running: ServerConnection | undefined;

export function activate(extension: ExtensionContext): NiwakiApi {
  const log = window.createOutputChannel('Niwaki', { log: true });
  const config = new Config();
  const server = new ServerConnection(
    extension,
    config,
    log,
    inlineCompletionMiddleware(config),
    findDefinitions,
  );
  const documents = new VirtualDocuments();
  const context: NiwakiContext = {
    extension,
    config,
    server,
    documents,
    log,
    runCommand: async (command) => {
      await commands.executeCommand(command);
    },
  };
  extension.subscriptions.push(log, config, documents, server);
  const features = [
    ...[status, models, toggle, restart, promptView, engineInfo, why],
    ...[savedContext, privacyReport, diagnosticsBundle, menu, cursor, tryIt],
    ...[chat, edit, files, nextEdit],
  ];
  for (const feature of features) {
    extension.subscriptions.push(feature.activate(context));
  }
  running = server;
  return createApi(server, extension.extensionMode !== ExtensionMode.Production);
}

export async function deactivate(): Promise<void> {
  await running?.stop();
  running = undefined;
}
