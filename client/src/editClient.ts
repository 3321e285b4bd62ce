/** What the server does for edits and new files, as their features ask for it. A part of the language client's bundle. */
import {
  CheckFilesRequest,
  EditProgressNotification,
  EditRequest,
  FileTextNotification,
  NextEditDecidedNotification,
  NextEditRequest,
  PlanFilesRequest,
  WriteFileRequest,
} from '#protocol';
import type { CancellationToken, Disposable } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';

export class EditClient implements Disposable {
  private readonly subscriptions: readonly Disposable[];
  private readonly edits = new Map<string, (progress: EditProgressNotification.Params) => void>();
  private readonly texts = new Map<string, (progress: FileTextNotification.Params) => void>();
  private jobs = 0;

  constructor(private readonly client: LanguageClient) {
    this.subscriptions = [
      client.onNotification(EditProgressNotification.type, (progress) => {
        this.edits.get(progress.job)?.(progress);
      }),
      client.onNotification(FileTextNotification.type, (progress) => {
        this.texts.get(progress.job)?.(progress);
      }),
    ];
  }

  propose(
    params: Omit<EditRequest.Params, 'job'>,
    onProgress: (progress: EditProgressNotification.Params) => void,
    token: CancellationToken,
  ): Promise<EditRequest.Result> {
    return this.followed(this.edits, 'edit', onProgress, (job) =>
      this.client.sendRequest(EditRequest.type, { ...params, job }, token),
    );
  }

  planFiles(params: PlanFilesRequest.Params, token: CancellationToken): Promise<PlanFilesRequest.Result> {
    return this.client.sendRequest(PlanFilesRequest.type, params, token);
  }

  checkFiles(paths: readonly string[]): Promise<CheckFilesRequest.Result> {
    return this.client.sendRequest(CheckFilesRequest.type, { paths });
  }

  writeFile(
    params: Omit<WriteFileRequest.Params, 'job'>,
    onProgress: (progress: FileTextNotification.Params) => void,
    token: CancellationToken,
  ): Promise<WriteFileRequest.Result> {
    return this.followed(this.texts, 'file', onProgress, (job) =>
      this.client.sendRequest(WriteFileRequest.type, { ...params, job }, token),
    );
  }

  nextEdit(params: NextEditRequest.Params, token: CancellationToken): Promise<NextEditRequest.Result> {
    return this.client.sendRequest(NextEditRequest.type, params, token);
  }

  async nextEditDecided(params: NextEditDecidedNotification.Params): Promise<void> {
    await this.client.sendNotification(NextEditDecidedNotification.type, params);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  /** `kind`: jobs of one kind have names of their own. */
  private async followed<Progress, Result>(
    followers: Map<string, (progress: Progress) => void>,
    kind: string,
    onProgress: (progress: Progress) => void,
    ask: (job: string) => Promise<Result>,
  ): Promise<Result> {
    this.jobs += 1;
    const job = `${kind}-${String(this.jobs)}`;
    followers.set(job, onProgress);
    try {
      return await ask(job);
    } finally {
      followers.delete(job);
    }
  }
}
