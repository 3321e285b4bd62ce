/** Starts a model's worker with the first constraint, and ends it with the model. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { searchFolders } from '../../util/searchFolders';
import type { NativeModel } from '../binding';
import { cancelled } from '../errors';
import { EngineError } from '../port';

export interface GuideWorkerData {
  readonly addonPath: string;
  /** A number of NativeModel.openGuideDesk. */
  readonly desk: number;
}

const workerName = 'maskWorker.js';

/** dist/maskWorker.js, beside the bundle that this is a part of, or of a source checkout. */
function findWorker(): string {
  const found = [...searchFolders(__dirname), ...searchFolders(join(__dirname, '..'))]
    .flatMap((folder) => [join(folder, workerName), join(folder, 'dist', workerName)])
    .find((path) => existsSync(path));
  if (found === undefined) {
    throw new EngineError('not_found', `Niwaki's ${workerName} is missing. Reinstall Niwaki.`);
  }
  return found;
}

export class Guides {
  private worker: Worker | undefined;

  constructor(
    private readonly model: NativeModel,
    private readonly addonPath: string,
    private readonly workerPath: string | undefined,
  ) {}

  /**
   * Has the worker look at a program, of which `tokens` may be said. From then on generate calls may go by it. Rejects when it cannot
   * be followed, or not within so few tokens, and as cancelled as soon as `signal` aborts.
   */
  async prepare(program: string, tokens: number, signal: AbortSignal): Promise<void> {
    const worker = this.start();
    const prepared = this.model.prepareGuide(program, tokens);
    worker.postMessage('work');
    await Promise.race([
      prepared,
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(cancelled());
        });
      }),
    ]);
  }

  /** The worker sleeps while nobody decodes; what is submitted now is for it. */
  wake(): void {
    this.worker?.postMessage('work');
  }

  /** After the model has been disposed of: its desk is closed, and the worker ends when it notices. */
  async close(): Promise<void> {
    const { worker } = this;
    if (worker !== undefined) {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage('work');
      await ended;
    }
  }

  private start(): Worker {
    if (this.worker !== undefined) {
      return this.worker;
    }
    const path = this.workerPath ?? findWorker();
    const data: GuideWorkerData = { addonPath: this.addonPath, desk: this.model.openGuideDesk() };
    const worker = new Worker(path, { workerData: data, execArgv: [], name: 'niwaki masks' });
    this.worker = worker;
    worker.unref(); // it keeps nobody waiting: whoever waits for an answer is kept alive by that
    let reason = '';
    worker.on('error', (error) => {
      reason = error.message;
    });
    worker.on('exit', () => {
      this.worker = undefined;
      // Where it had come to its desk, that was closed already.
      this.model.closeGuideDesk(
        `The thread that says what an answer may look like has ended${reason === '' ? '' : ` (${reason})`}. Try again; if it ` +
          'happens again, please report it.',
      );
    });
    return worker;
  }
}
