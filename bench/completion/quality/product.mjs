/**
 * The thing under test: the server's own Completer on the real engine and the embedded model, in this process. The server's sources
 * are bundled as they are for the product, without the part that speaks LSP.
 */
import { build } from 'esbuild';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { options as bundleOptions } from '../../../scripts/build.mjs';
import { prepareOurs } from '../../engine/prepare.mjs';

/** Tokens: `niwaki.completion.maxTokens` as it is by default. */
export const maxTokens = 64;

/** The ways to a suggestion: the model's alone, the copy predictor's alone, and both with all that comes behind them. */
export const paths = ['model', 'copy', 'whole'];

const entry = `
export { Completer } from './server/src/completion';
export { createNativeEngine } from './server/src/engine';
export { automaticChoice, embeddedCalibrationPath, embeddedModelPath, KvCalibrator, ModelHost } from './server/src/models';
`;

const log = {
  info: () => undefined,
  warn: (text) => console.error(text),
  error: (text) => console.error(text),
};

async function bundleServer(root) {
  const { entryPoints: _, outdir, ...common } = bundleOptions({ quiet: true });
  const outfile = join(outdir, 'bench', 'completion.js'); // a folder below dist/ is not packaged
  const stdin = { contents: entry, resolveDir: root, loader: 'ts' };
  await build({ ...common, metafile: false, sourcemap: 'inline', outfile, stdin });
  return createRequire(outfile)(outfile);
}

async function openModel(server, { root, addonPath, selfTestChild }, path) {
  const engine = server.createNativeEngine({ addonPath, selfTestChild });
  const calibrator = new server.KvCalibrator({
    ...{ engine, log, embeddedPath: server.embeddedCalibrationPath(root), idleMs: 0 },
    text: () => Promise.resolve(''),
    mayWork: () => Promise.resolve(false), // what ships with the model is read, nothing is made
  });
  const embeddedPath = path ?? server.embeddedModelPath(root);
  const host = new server.ModelHost({ engine, embeddedPath, log, calibrator });
  const problem = await host.load(server.automaticChoice);
  if (problem !== '') {
    throw new Error(problem);
  }
  return { engine, host };
}

class Product {
  #server;
  #engine;
  #host;
  #documents = 0;

  constructor(server, { engine, host }) {
    this.#server = server;
    this.#engine = engine;
    this.#host = host;
  }

  get model() {
    return this.#host.model;
  }

  /**
   * What is suggested at a cursor, as if the document had just been opened and the user had asked there: nothing is typed along, and
   * nothing is known of other places.
   * @param {{ text: string, offset: number, path: string, language: string }} cut
   * @param {{ path?: 'model' | 'copy' | 'whole', gated?: boolean }} how `gated`: as sure as the setting asks for by default; otherwise
   *   all is shown
   * @returns `text` ('' = nothing), `confidence`, and all else that the suggestion says of itself
   */
  async complete(cut, { path = 'whole', gated = false } = {}) {
    this.#documents += 1;
    const completer = new this.#server.Completer(this.#engine, this.#host);
    const uri = `file:///cut/${this.#documents}/${cut.path}`;
    const request = {
      document: { uri, path: cut.path, languageId: cut.language, version: 1, text: cut.text },
      ...{ offset: cut.offset, maxTokens },
      ...(path !== 'whole' && { only: path }),
      ...(!gated && { minConfidence: 0 }),
    };
    try {
      const suggestion = await completer.complete(request, new AbortController().signal);
      return suggestion === undefined
        ? { text: '', confidence: 0 }
        : { confidence: 0, ...suggestion, text: inserted(suggestion, cut) };
    } finally {
      await completer.forget(uri);
    }
  }

  async close() {
    await this.#engine.dispose();
  }
}

/** What would stand behind the cursor: a suggestion may begin before it, with what is there anyway. */
function inserted({ text, start }, { text: before, offset }) {
  const there = before.slice(start, offset);
  return text.startsWith(there) ? text.slice(there.length) : text;
}

/** @param {string} [model] a GGUF file in the embedded one's place */
export async function openProduct(model) {
  const ours = await prepareOurs();
  const server = await bundleServer(ours.root);
  return new Product(server, await openModel(server, ours, model));
}
