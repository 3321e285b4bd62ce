/** What the client is told of models: the list, and all that is known of one. */
import type { KnownModel, ListedModel, ModelList, ModelReport, ModelRole, ServerSettings } from '#protocol';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { EnginePort } from '../engine';
import {
  architectureOf,
  contentsOf,
  contextOf,
  factsOf,
  fileProblem,
  fillInWords,
  formatsOf,
  hashOf,
  hasChatTemplate,
  layersOf,
  memoryAt,
  type Judgement,
  type ModelEntry,
  type ModelHost,
  type ModelLibrary,
} from '../models';
import { shownText } from '../util/shownText';
import type { ModelStores } from './modelRemoval';

export interface ModelReportDeps {
  readonly engine: EnginePort;
  readonly host: ModelHost;
  readonly library: ModelLibrary | undefined;
  readonly stores: ModelStores;
  readonly embeddedPath: string;
  readonly settings: () => ServerSettings;
}

/** A model that a request names: the embedded one has no entry. */
export interface Subject {
  readonly path: string;
  readonly entry: ModelEntry | undefined;
}

export function knownOf(judgement: Judgement | undefined): KnownModel {
  const { match = 'unknown', entry } = judgement ?? {};
  const { id = '', name = '', licence = '', notes = '' } = entry ?? {};
  return { match, id, name, licence, notes };
}

/** '' = the embedded one. */
export async function subjectOf(
  { library, embeddedPath }: ModelReportDeps,
  id: string,
): Promise<Subject | undefined> {
  if (id === '') {
    return { path: embeddedPath, entry: undefined };
  }
  const entry = await library?.find(id);
  return library === undefined || entry === undefined ? undefined : { path: library.pathOf(entry), entry };
}

function rolesOf(completion: boolean, chat: boolean): ModelRole[] {
  return [...(completion ? (['completion'] as const) : []), ...(chat ? (['chat'] as const) : [])];
}

export async function listedEntry(
  { settings }: ModelReportDeps,
  library: ModelLibrary,
  entry: ModelEntry,
): Promise<ListedModel> {
  const path = library.pathOf(entry);
  const { id, kind, name, bytes, parameters } = entry;
  return {
    ...{ id, kind, name, path, bytes, parameters },
    known: knownOf(await library.judgementOf(entry)),
    problem: await fileProblem(library.registry, entry).catch((error: unknown) => String(error)),
    roles: rolesOf(settings().modelPath === path, (await library.registry.chatModel()) === id),
  };
}

async function listedEmbedded({ embeddedPath, settings, host }: ModelReportDeps): Promise<ListedModel> {
  const bytes = (await stat(embeddedPath).catch(() => undefined))?.size ?? 0;
  const loaded = host.model?.embedded === true ? host.model.info : undefined;
  return {
    ...{ id: '', kind: 'embedded', path: embeddedPath, bytes },
    name: loaded?.name ?? basename(embeddedPath),
    parameters: loaded?.parameters ?? 0,
    known: knownOf(undefined),
    problem: '',
    roles: rolesOf(settings().modelPath === '', false),
  };
}

export async function listModels(deps: ModelReportDeps): Promise<ModelList> {
  const { library } = deps;
  const entries = (await library?.list()) ?? [];
  const models = await Promise.all(entries.map((entry) => listedEntry(deps, library as ModelLibrary, entry)));
  return {
    folder: library?.folder ?? '',
    models: [await listedEmbedded(deps), ...models],
    notes: library?.notes ?? [],
  };
}

/** As in the list, but the file has been read: nothing is called verified that is so no more. */
async function readEntry(
  deps: ModelReportDeps,
  library: ModelLibrary,
  entry: ModelEntry,
  signal: AbortSignal,
): Promise<{ readonly listed: ListedModel; readonly sha256: string }> {
  const listed = await listedEntry(deps, library, entry);
  const { sha256, problem } = await contentsOf(library.registry, entry, signal);
  return { sha256, listed: problem === '' ? listed : { ...listed, problem, known: knownOf(undefined) } };
}

/** null = there is no such model. Rejects as cancelled with the signal. */
export async function reportOf(
  deps: ModelReportDeps,
  id: string,
  signal: AbortSignal,
): Promise<ModelReport | null> {
  const { engine, host, library, settings, stores } = deps;
  const subject = await subjectOf(deps, id);
  if (subject === undefined) {
    return null;
  }
  const { path, entry } = subject;
  const { listed, sha256 } =
    entry === undefined || library === undefined
      ? { listed: await listedEmbedded(deps), sha256: await hashOf(path, signal).catch(() => '') }
      : await readEntry(deps, library, entry, signal);
  const nothing = {
    ...{ formats: [], contextLength: 0, layers: 0, licence: '', chatTemplate: false, fillIn: '', memory: [] },
    ...{ architecture: entry?.architecture ?? '', speed: entry?.speed ?? null },
    ...{ sha256: sha256 || (entry?.sha256 ?? ''), importedAt: entry?.importedAt ?? 0 },
  };
  try {
    const summary = await engine.inspect(path);
    const loaded = host.model?.info.path === path ? host.model : undefined;
    const facts = factsOf(path, summary);
    const contextLength = contextOf(summary);
    return {
      ...nothing,
      model: { ...listed, name: facts.name || listed.name, parameters: facts.parameters },
      refused: summary.problem,
      architecture: architectureOf(summary),
      formats: formatsOf(summary),
      contextLength,
      layers: layersOf(summary),
      licence: shownText(summary.metadata['general.license'] ?? '', 80),
      chatTemplate: hasChatTemplate(summary),
      fillIn:
        loaded === undefined
          ? await fillInWords(summary, stores.findings)
          : `Asked ${loaded.profile.strategy}. ${loaded.profile.strategyReason}`,
      memory: summary.problem === '' ? await memoryAt(engine, path, contextLength, settings().kvCodec) : [],
      speed: entry === undefined ? (stores.embeddedSpeed ?? null) : nothing.speed,
    };
  } catch (error) {
    // What is known of a file that is gone is worth showing all the same.
    return { ...nothing, model: listed, refused: error instanceof Error ? error.message : String(error) };
  }
}
