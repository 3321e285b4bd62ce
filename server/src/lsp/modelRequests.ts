/** The client's questions about models and prompts. */
import {
  LastPromptRequest,
  LoadModelRequest,
  ModelInfoRequest,
  RestartEngineRequest,
  type ModelDetails,
  type ServerSettings,
} from '#protocol';
import type { Connection } from 'vscode-languageserver/node';
import type { Completer } from '../completion';
import type { EnginePort } from '../engine';
import { calibrationInWords, contextInWords, type ModelHost } from '../models';
import { choiceOf } from './settings';

export interface ModelRequestDeps {
  readonly connection: Connection;
  readonly engine: EnginePort;
  readonly host: ModelHost;
  readonly completer: Completer;
  readonly settings: () => ServerSettings;
}

async function details({ engine, host }: ModelRequestDeps): Promise<ModelDetails | null> {
  const { model } = host;
  if (model === undefined) {
    return null;
  }
  const { info } = model;
  return {
    path: info.path,
    name: info.name,
    architecture: info.architecture,
    embedded: model.embedded,
    kernels: info.kernels,
    threads: info.threads,
    fileBytes: info.fileBytes,
    parameters: info.parameters,
    weightBytes: info.weightBytes,
    contextLength: info.contextLength,
    kv: {
      ...model.kv,
      summary: contextInWords(model.kv),
      calibration: calibrationInWords(model.kv, host.kvCalibration),
    },
    vocabSize: info.vocabSize,
    layers: info.layers,
    license: info.metadata['general.license'] ?? '',
    fimForm: model.profile.form.name,
    strategy: model.profile.strategy,
    strategyReason: model.profile.strategyReason,
    kernelTables: await engine.kernelTables(),
  };
}

export function registerModelRequests(deps: ModelRequestDeps): void {
  const { connection, host, completer } = deps;
  connection.onRequest(ModelInfoRequest.type, () => details(deps));
  connection.onRequest(
    LoadModelRequest.type,
    async (params: Partial<LoadModelRequest.Params> | undefined) => {
      const path: unknown = params?.path; // whoever speaks the protocol may have sent anything
      if (typeof path !== 'string') {
        const problem = `${LoadModelRequest.method} needs a "path": that of a .gguf file, or "" for the built-in model.`;
        return { ok: false, problem };
      }
      const problem = await host.load({ ...choiceOf(deps.settings()), path });
      return { ok: problem === '', problem };
    },
  );
  connection.onRequest(RestartEngineRequest.type, async () => {
    const problem = await host.restart();
    return { ok: problem === '', problem };
  });
  connection.onRequest(LastPromptRequest.type, async () => (await completer.lastPrompt()) ?? null);
}
