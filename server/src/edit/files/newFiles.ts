/** Files from prompts: a plan, what its paths mean, and the text of each file. Nothing here changes a file; the client shows and writes. */
import type { Attachment, CheckFilesRequest, PlanFilesRequest, WriteFileRequest } from '#protocol';
import { collect, type Collected } from '../../attachments';
import { isCancelled } from '../../engine';
import { hidesOf, planFiles, type PlannerDeps, type PlanningDeps } from './planner';
import { lookAtPlaces } from './places';
import { writeFile, type WriteHooks } from './writer';

export type NewFilesDeps = PlannerDeps;

const nothing = { path: '', uri: '', exists: false, problem: '' } as const;

/** What became of a request that did not come to its end. */
function failed(
  error: unknown,
  signal: AbortSignal,
): { readonly problem: string; readonly cancelled: boolean } {
  return isCancelled(error) || signal.aborted
    ? { problem: '', cancelled: true }
    : { problem: error instanceof Error ? error.message : String(error), cancelled: false };
}

/** UTF-16 units of attachments that are kept in memory between a plan and its files. */
const mostKept = 8 * 1024 * 1024;

export class NewFiles {
  private readonly planning: PlanningDeps;
  /** The last plan's: each file of it is written from what the plan was made from. */
  private kept: { readonly key: string; readonly all: readonly Collected[] } | undefined;

  constructor(private readonly deps: NewFilesDeps) {
    this.planning = { ...deps, collected: (attachments, anew) => this.collected(attachments, anew) };
  }

  private async collected(attachments: readonly Attachment[], anew: boolean): Promise<readonly Collected[]> {
    const key = JSON.stringify(attachments);
    if (!anew && this.kept?.key === key) {
      return this.kept.all;
    }
    const all = await Promise.all(attachments.map((one) => collect(this.deps.files, one)));
    const units = all
      .flatMap(({ pieces }) => pieces)
      .reduce((sum, { text }) => sum + text.length, key.length);
    this.kept = units <= mostKept ? { key, all } : undefined;
    return all;
  }

  /** Never rejects. */
  async plan(params: PlanFilesRequest.Params, signal: AbortSignal): Promise<PlanFilesRequest.Result> {
    try {
      const { files, problem, attached } = await planFiles(this.planning, params, signal);
      const none =
        'The model has planned no file. Say more precisely what is to be written, or write the plan yourself.';
      return { files, problem: files.length === 0 ? problem || none : problem, cancelled: false, attached };
    } catch (error) {
      return { files: [], attached: [], ...failed(error, signal) };
    }
  }

  async check(paths: readonly string[]): Promise<CheckFilesRequest.Result> {
    const places = await lookAtPlaces(paths, this.deps.folders(), hidesOf(this.deps.files));
    return places.map(({ path, uri, exists, problem }) => ({ path, uri, exists, problem }));
  }

  /** Never rejects. */
  async write(
    params: Omit<WriteFileRequest.Params, 'job'>,
    hooks: WriteHooks,
  ): Promise<WriteFileRequest.Result> {
    try {
      return { ...(await writeFile(this.planning, params, hooks)), cancelled: false };
    } catch (error) {
      return { file: nothing, text: '', attached: [], ...failed(error, hooks.signal) };
    }
  }
}
