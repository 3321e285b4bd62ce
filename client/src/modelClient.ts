/** What the server does with models, as the features ask for it. A part of the language client's bundle. */
import {
  CheckModelRequest,
  ImportModelRequest,
  InspectModelRequest,
  ListModelsRequest,
  MeasureModelRequest,
  ModelProgressNotification,
  RemoveModelRequest,
  SetChatModelRequest,
  type ModelList,
  type ModelReport,
} from '#protocol';
import type { CancellationToken, Disposable } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';

export type ModelProgress = (step: ModelProgressNotification.Params) => void;

export class ModelClient implements Disposable {
  private readonly listeners = new Map<string, ModelProgress>();
  private readonly subscription: Disposable;
  private jobs = 0;

  constructor(private readonly client: LanguageClient) {
    this.subscription = client.onNotification(ModelProgressNotification.type, (step) => {
      this.listeners.get(step.job)?.(step);
    });
  }

  list(): Promise<ModelList> {
    return this.client.sendRequest(ListModelsRequest.type);
  }

  check(path: string): Promise<CheckModelRequest.Result> {
    return this.client.sendRequest(CheckModelRequest.type, { path });
  }

  import(
    path: string,
    kind: 'copy' | 'reference',
    onProgress: ModelProgress,
    token: CancellationToken,
  ): Promise<ImportModelRequest.Result> {
    return this.listening(onProgress, (job) =>
      this.client.sendRequest(ImportModelRequest.type, { path, kind, job }, token),
    );
  }

  inspect(id: string): Promise<ModelReport | null> {
    return this.client.sendRequest(InspectModelRequest.type, { id });
  }

  measure(
    id: string,
    onProgress: ModelProgress,
    token: CancellationToken,
  ): Promise<MeasureModelRequest.Result> {
    return this.listening(onProgress, (job) =>
      this.client.sendRequest(MeasureModelRequest.type, { id, job }, token),
    );
  }

  setChatModel(id: string): Promise<SetChatModelRequest.Result> {
    return this.client.sendRequest(SetChatModelRequest.type, { id });
  }

  remove(id: string): Promise<RemoveModelRequest.Result> {
    return this.client.sendRequest(RemoveModelRequest.type, { id });
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private async listening<T>(onProgress: ModelProgress, start: (job: string) => Promise<T>): Promise<T> {
    this.jobs += 1;
    const job = String(this.jobs);
    this.listeners.set(job, onProgress);
    try {
      return await start(job);
    } finally {
      this.listeners.delete(job);
    }
  }
}
