/** A server that imports models, as a client sees it. */
import {
  CheckModelRequest,
  ImportModelRequest,
  InspectModelRequest,
  ListModelsRequest,
  MeasureModelRequest,
  ModelProgressNotification,
  RemoveModelRequest,
  SetChatModelRequest,
  type InitializationOptions,
  type ModelList,
  type ModelReport,
} from '#protocol';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CancellationToken } from 'vscode-jsonrpc/node';
import type { Shape } from '../support/ggufWriter';
import { LspClient } from './lspClient';

/** BF16 matrices make large files that are quickly written; of 3 layers they have 1.2 GB. */
export const bigShape: Shape = {
  ...{ layers: 3, embedding: 4096, feedForward: 12_288, heads: 32, kvHeads: 8, headSize: 128 },
  ...{ vocabulary: 1000, context: 512, ropeBase: 1e5, tied: true },
};

export class ImportClient {
  readonly progress: ModelProgressNotification.Params[] = [];

  private constructor(
    readonly lsp: LspClient,
    /** Where imported models go. */
    readonly folder: string,
  ) {
    lsp.connection.onNotification(
      ModelProgressNotification.method,
      (step: ModelProgressNotification.Params) => {
        this.progress.push(step);
      },
    );
  }

  static async start(
    storagePath: string,
    options: Partial<InitializationOptions> = {},
    limits = '',
  ): Promise<ImportClient> {
    return new ImportClient(
      await LspClient.start({ storagePath, ...options }, {}, limits),
      join(storagePath, 'models'),
    );
  }

  /** Names in the folder of imported models. */
  names(): string[] {
    try {
      return readdirSync(this.folder).sort();
    } catch {
      return [];
    }
  }

  check(path: string): Promise<CheckModelRequest.Result> {
    return this.lsp.connection.sendRequest(CheckModelRequest.method, { path });
  }

  import(
    path: string,
    kind: 'copy' | 'reference' = 'copy',
    token?: CancellationToken,
  ): Promise<ImportModelRequest.Result> {
    const params: ImportModelRequest.Params = { path, kind, job: path };
    return this.lsp.connection.sendRequest(
      ImportModelRequest.method,
      params,
      ...(token === undefined ? [] : [token]),
    );
  }

  list(): Promise<ModelList> {
    return this.lsp.connection.sendRequest(ListModelsRequest.method);
  }

  inspect(id: string): Promise<ModelReport | null> {
    return this.lsp.connection.sendRequest(InspectModelRequest.method, { id });
  }

  measure(id: string, token?: CancellationToken): Promise<MeasureModelRequest.Result> {
    return this.lsp.connection.sendRequest(
      MeasureModelRequest.method,
      { id, job: id },
      ...(token === undefined ? [] : [token]),
    );
  }

  setChat(id: string): Promise<SetChatModelRequest.Result> {
    return this.lsp.connection.sendRequest(SetChatModelRequest.method, { id });
  }

  remove(id: string): Promise<RemoveModelRequest.Result> {
    return this.lsp.connection.sendRequest(RemoveModelRequest.method, { id });
  }

  stop(): Promise<void> {
    return this.lsp.stop();
  }
}
