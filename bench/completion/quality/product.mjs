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

/** How long a document's tree is waited for; most take a few milliseconds, and the product would not wait so long. */
const treeMs = 60_000;

/** The ways to a suggestion: the model's alone, the copy predictor's alone, and both with all that follows. */
export const paths = ['model', 'copy', 'whole'];

const entry = `
export { Completer, defaultGate } from './server/src/completion';
export { createNativeEngine } from './server/src/engine';
export { Syntax } from './server/src/syntax';
export { automaticChoice, embeddedCalibrationPath, embeddedModelPath, KvCalibrator, ModelHost } from './server/src/models';
`;

const log = {
  info: () => undefined,
  warn: (text) => console.error(text),
  error: (text) => console.error(text),
};

async function bundleServer(root) {
  const { outdir, ...common } = bundleOptions({ quiet: true });
  delete common.entryPoints;
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
  return { engine, host, syntax: new server.Syntax(join(root, 'dist', 'syntax'), log) };
}

class Product {
  #server;
  #engine;
  #host;
  #syntax;
  #documents = 0;

  constructor(server, { engine, host, syntax }) {
    this.#server = server;
    this.#engine = engine;
    this.#host = host;
    this.#syntax = syntax;
  }

  /** Tokens. */
  get contextSize() {
    return this.#host.model.kv.context;
  }

  /** The least confidence that is shown by default. */
  get gate() {
    return this.#server.defaultGate;
  }

  /**
   * What is suggested at a cursor of a document that has been open for a while: its tree is there, but nothing is typed along. Everything is shown, however unsure: what a gate would hide is seen by the confidence.
   * @param {{ text: string, offset: number, path: string, language: string }} cut
   * @param {'model' | 'copy' | 'whole'} path
   * @param {readonly string[]} others texts of the other files that are open
   * @returns `text` ('' = nothing), `confidence`, all else that the suggestion says of itself, and `proposals` with their features
   */
  async complete(cut, path = 'whole', others = []) {
    this.#documents += 1;
    const uri = `file:///cut/${this.#documents}/${cut.path}`;
    const completer = new this.#server.Completer(this.#engine, this.#host, {
      syntax: this.#syntax,
      otherTexts: () => others,
    });
    const request = {
      document: { uri, path: cut.path, languageId: cut.language, version: 1, text: cut.text },
      ...{ offset: cut.offset, maxTokens, minConfidence: 0 },
      ...(path !== 'whole' && { only: path }),
    };
    try {
      await this.#syntax.scopeAt(request.document, cut.offset, treeMs);
      // A suggestion begins where the cursor is: only an item of the suggest widget would make it begin before.
      const suggestion = await completer.complete(request, new AbortController().signal);
      return {
        ...(suggestion ?? { text: '', confidence: 0 }),
        proposals: completer.lastReport?.proposals ?? [],
      };
    } finally {
      await completer.forget(uri);
    }
  }

  async close() {
    this.#syntax.dispose();
    await this.#engine.dispose();
  }
}

/** @param {string} [model] a GGUF file in the embedded one's place */
export async function openProduct(model) {
  const ours = await prepareOurs();
  const server = await bundleServer(ours.root);
  return new Product(server, await openModel(server, ours, model));
}
