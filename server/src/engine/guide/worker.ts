/**
 * The worker that guides decoding (its own bundle: dist/maskWorker.js). It loads the addon for itself and meets the decoding threads
 * at their model's desk, in native memory: no token passes through an event loop on its way here and back.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadAddon } from '../loadAddon';
import { GuideServer } from './server';
import type { GuideWorkerData } from './guides';

function main(): void {
  if (parentPort === null) {
    throw new Error("This is a part of Niwaki's language server and is not run by hand.");
  }
  const port = parentPort;
  const { addonPath, desk } = workerData as GuideWorkerData;
  const server = new GuideServer(loadAddon(addonPath).guideDesk(desk));
  // Every message says that there is something to do, or that there never will be again. In between this thread sleeps.
  port.on('message', () => {
    if (!server.work()) {
      port.close();
    }
  });
}

main();
