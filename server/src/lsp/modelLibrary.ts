/** Importing, listing, inspecting, measuring and removing models, for the client. */
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
  type ServerSettings,
} from '#protocol';
import type { Connection } from 'vscode-languageserver/node';
import { isCancelled, type EnginePort } from '../engine';
import type { ChatModel, ModelHost, ModelLibrary } from '../models';
import type { Log } from '../util/log';
import { toSignal, type Cancellable } from '../util/signal';
import { listModels, reportOf, subjectOf, listedEntry, knownOf } from './modelReport';
import { measure } from './modelSpeed';
import { removeModel, type ModelStores } from './modelRemoval';

export interface ModelLibraryDeps {
  readonly connection: Connection;
  readonly log: Log;
  readonly engine: EnginePort;
  readonly host: ModelHost;
  readonly chatModel: ChatModel;
  /** Undefined when the client has named no folder: then nothing can be imported. */
  readonly library: ModelLibrary | undefined;
  readonly stores: ModelStores;
  readonly embeddedPath: string;
  /** What a model reads in a speed test. */
  readonly text: () => Promise<string>;
  readonly settings: () => ServerSettings;
}

const progressEveryMs = 100;
const noFolder = 'Models cannot be imported: the editor has named no folder to keep them in.';

function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return /[.!]$/.test(reason) ? reason : `${reason}.`;
}

/** Whoever speaks the protocol may have sent anything. */
function text(params: unknown, key: string): string {
  const value = (params as Record<string, unknown> | undefined)?.[key];
  return typeof value === 'string' ? value : '';
}

/** Sends what is new at most ten times a second, and the first of each phase. */
function progressTo(connection: Connection, job: string) {
  let last = -Infinity;
  let lastPhase = '';
  return (phase: ModelProgressNotification.Params['phase'], done: number, total: number): void => {
    const now = performance.now();
    if (phase === lastPhase && now - last < progressEveryMs) {
      return;
    }
    [last, lastPhase] = [now, phase];
    // A connection that is being closed takes no more messages.
    void connection
      .sendNotification(ModelProgressNotification.type, { job, phase, done, total })
      .catch(() => undefined);
  };
}

async function check({ library }: ModelLibraryDeps, path: string): Promise<CheckModelRequest.Result> {
  const nothing = {
    ...{ name: '', architecture: '', bytes: 0, parameters: 0, contextLength: 0, freeBytes: 0 },
    known: knownOf(undefined),
  };
  if (library === undefined) {
    return { ...nothing, problem: noFolder };
  }
  try {
    const { facts, contextLength, judgement } = await library.check(path);
    return {
      ...facts,
      contextLength,
      name: facts.name || facts.fileName,
      problem: '',
      known: knownOf(judgement),
      freeBytes: await library.freeBytes(),
    };
  } catch (error) {
    return { ...nothing, problem: reasonOf(error) };
  }
}

async function importModel(
  deps: ModelLibraryDeps,
  params: unknown,
  signal: AbortSignal,
): Promise<ImportModelRequest.Result> {
  const { connection, library, log } = deps;
  const failed = { problem: '', cancelled: false, model: null, already: false };
  if (library === undefined) {
    return { ...failed, problem: noFolder };
  }
  const [path, kind] = [text(params, 'path'), text(params, 'kind')];
  if (kind !== 'copy' && kind !== 'reference') {
    return { ...failed, problem: `${ImportModelRequest.method} needs a "kind": "copy" or "reference".` };
  }
  const onProgress = progressTo(connection, text(params, 'job'));
  try {
    const started = performance.now();
    const { entry, already } = await library.import(path, { kind, signal, onProgress });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    log.info(`Imported ${entry.name} (${path}, ${kind}) in ${seconds} s: SHA-256 ${entry.sha256}.`);
    return { ...failed, model: await listedEntry(deps, library, entry), already };
  } catch (error) {
    if (isCancelled(error)) {
      return { ...failed, cancelled: true };
    }
    log.warn(`The model ${path} could not be imported: ${reasonOf(error)}`);
    return { ...failed, problem: reasonOf(error) };
  }
}

async function measureModel(
  deps: ModelLibraryDeps,
  params: unknown,
  signal: AbortSignal,
): Promise<MeasureModelRequest.Result> {
  const subject = await subjectOf(deps, text(params, 'id'));
  if (subject === undefined) {
    return { problem: 'There is no such model.', cancelled: false, speed: null };
  }
  try {
    const report = progressTo(deps.connection, text(params, 'job'));
    const speed = await measure(deps, subject, signal, (phase, share) => {
      report(phase, share, 1);
    });
    return { problem: '', cancelled: false, speed };
  } catch (error) {
    return isCancelled(error) || signal.aborted
      ? { problem: '', cancelled: true, speed: null }
      : { problem: reasonOf(error), cancelled: false, speed: null };
  }
}

async function setChatModel(
  { library, chatModel }: ModelLibraryDeps,
  id: string,
): Promise<SetChatModelRequest.Result> {
  if (library === undefined) {
    return { problem: noFolder };
  }
  if (id !== '' && (await library.find(id)) === undefined) {
    return { problem: 'There is no such model: it was removed, in another window perhaps.' };
  }
  try {
    await library.registry.setChatModel(id);
    await chatModel.refresh();
    return { problem: '' };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

/** Returns what is to be awaited before the server ends: imports that are under way are given up, and leave nothing. */
export function registerModelLibrary(deps: ModelLibraryDeps): () => Promise<void> {
  const { connection } = deps;
  const ending = new AbortController();
  const running = new Set<Promise<unknown>>();
  const track = <T>(token: Cancellable, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const promise = work(AbortSignal.any([ending.signal, toSignal(token)])).finally(() => {
      running.delete(promise);
    });
    running.add(promise);
    return promise;
  };
  connection.onRequest(ListModelsRequest.type, (): Promise<ModelList> => listModels(deps));
  connection.onRequest(CheckModelRequest.type, (params) => check(deps, text(params, 'path')));
  connection.onRequest(ImportModelRequest.type, (params, token) =>
    track(token, (signal) => importModel(deps, params, signal)),
  );
  connection.onRequest(InspectModelRequest.type, (params, token): Promise<ModelReport | null> =>
    reportOf(deps, text(params, 'id'), toSignal(token)),
  );
  connection.onRequest(MeasureModelRequest.type, (params, token) =>
    track(token, (signal) => measureModel(deps, params, signal)),
  );
  connection.onRequest(SetChatModelRequest.type, (params) => setChatModel(deps, text(params, 'id')));
  connection.onRequest(RemoveModelRequest.type, (params): Promise<RemoveModelRequest.Result> =>
    removeModel(deps, text(params, 'id')),
  );
  return async () => {
    ending.abort();
    await Promise.allSettled(running);
  };
}
