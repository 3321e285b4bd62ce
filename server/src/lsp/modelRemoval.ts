/** Letting a model go, with everything that is kept for it. */
import type { ModelSpeed, RemoveModelRequest } from '#protocol';
import type { CalibrationStore, ChatModel, FindingStore, KvPageFolders } from '../models';
import type { Log } from '../util/log';
import type { ModelReportDeps } from './modelReport';
import { choiceOf } from './settings';

/** What is kept for models besides their files. */
export interface ModelStores {
  readonly calibrations: CalibrationStore | undefined;
  readonly findings: FindingStore | undefined;
  readonly pages: KvPageFolders | undefined;
  /** Of this process: the embedded model has no entry to keep it in. */
  embeddedSpeed?: ModelSpeed;
}

interface RemovalDeps extends ModelReportDeps {
  readonly chatModel: ChatModel;
  readonly log: Log;
}

export async function removeModel(deps: RemovalDeps, id: string): Promise<RemoveModelRequest.Result> {
  const { host, chatModel, library, settings, stores, log } = deps;
  const entry = await library?.find(id);
  if (library === undefined || entry === undefined) {
    return {
      problem: 'There is no such model: it was removed, in another window perhaps.',
      bytes: 0,
      wasInUse: false,
    };
  }
  const path = library.pathOf(entry);
  const wasInUse = host.model?.info.path === path || settings().modelPath === path;
  let bytes = 0;
  try {
    if (wasInUse) {
      // First, or what goes on with it would write anew what is deleted here.
      await host.load({ ...choiceOf(settings()), path: '' });
    }
    await chatModel.release(path);
    const { fingerprint } = entry;
    // The same weights may be there in another file, one that says something else of itself.
    const shared = (await library.list()).some(
      (other) => other.id !== id && other.fingerprint === fingerprint,
    );
    // What belongs to it before itself: as long as it is in the list, somebody can try again.
    if (!shared) {
      await stores.calibrations?.remove(fingerprint);
      await stores.findings?.remove(fingerprint);
      const purged = await stores.pages?.purgeModel(fingerprint);
      bytes += purged?.bytes ?? 0;
      if (purged !== undefined && purged.problem !== '') {
        throw new Error(purged.problem);
      }
    }
    bytes += await library.remove(entry);
    await chatModel.refresh();
    log.info(`Removed ${entry.name} (${path}) from the imported models.`);
    return { problem: '', bytes, wasInUse };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { problem: `${entry.name} could not be removed completely: ${reason}`, bytes, wasInUse };
  }
}
