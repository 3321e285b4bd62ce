/** Files from prompts: a plan, what its paths mean, and the text of each file. Nothing here changes a file; the client shows and writes. */
import type { CheckFilesRequest, PlanFilesRequest, WriteFileRequest } from '#protocol';
import { isCancelled } from '../../engine';
import { hidesOf, planFiles, type PlannerDeps } from './planner';
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

export class NewFiles {
  constructor(private readonly deps: NewFilesDeps) {}

  /** Never rejects. */
  async plan(params: PlanFilesRequest.Params, signal: AbortSignal): Promise<PlanFilesRequest.Result> {
    try {
      const { files, problem, attached } = await planFiles(this.deps, params, signal);
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
      return { ...(await writeFile(this.deps, params, hooks)), cancelled: false };
    } catch (error) {
      return { file: nothing, text: '', attached: [], ...failed(error, hooks.signal) };
    }
  }
}
