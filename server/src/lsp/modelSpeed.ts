/** The speed test of a model: the loaded one where it is that, else one that is loaded for it and freed again. */
import type { ModelSpeed } from '#protocol';
import { cancelled } from '../engine';
import { measureSpeed } from '../models';
import type { ModelReportDeps, Subject } from './modelReport';

interface SpeedDeps extends ModelReportDeps {
  readonly text: () => Promise<string>;
}

export async function measure(
  deps: SpeedDeps,
  { path, entry }: Subject,
  signal: AbortSignal,
  onProgress: (phase: 'loading' | 'measuring', share: number) => void,
): Promise<ModelSpeed> {
  const { engine, host, settings, library, stores } = deps;
  const request = {
    ...{ engine, text: await deps.text(), signal },
    onProgress: (share: number) => {
      onProgress('measuring', share);
    },
  };
  onProgress('loading', 0);
  const byHost = await host.lend((model) =>
    model.info.path === path
      ? measureSpeed({ ...request, model: model.handle, info: model.info })
      : Promise.resolve(undefined),
  );
  let speed = byHost;
  if (speed === undefined) {
    await host.checkMemory(path);
    const { threads } = settings();
    const { model, info } = await engine.load({ path, ...(threads > 0 ? { threads } : {}) });
    try {
      if (signal.aborted) {
        throw cancelled();
      }
      speed = await measureSpeed({ ...request, model, info });
    } finally {
      await engine.unload(model);
    }
  }
  if (entry === undefined) {
    stores.embeddedSpeed = speed;
    return speed;
  }
  // Of the entry as it is now: another window may have changed it, or removed the model.
  const now = await library?.registry.find(entry.id);
  if (now !== undefined) {
    await library?.registry.write({ ...now, speed });
  }
  return speed;
}
