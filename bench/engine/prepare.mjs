/** Everything that the benchmark needs, made or installed where it is missing. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from '../../scripts/setup.mjs';
import { setUpPeer } from '../peer/setup.mjs';
import { synthesise } from '../support/synthetic.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The addon and the built self-test (so that a start costs what it costs the product). */
export async function prepareOurs() {
  ensurePackages({ quiet: true });
  const { buildAll } = await import('../../scripts/build.mjs');
  await buildAll({ quiet: true });
  return {
    root,
    addonPath: join(root, 'dist', 'native', `${process.platform}-${process.arch}`, 'niwaki.node'),
    selfTestChild: join(root, 'dist', 'selfTestChild.js'),
  };
}

/** The same and the peer. */
export async function prepare() {
  const ours = await prepareOurs();
  if (setUpPeer()) {
    console.error('Installed the peer into bench/peer/node_modules');
  }
  return ours;
}

/** Paths of model files; synthetic ones are written when they are first asked for. */
export const models = {
  embedded: join(root, 'models', 'nano.gguf'),
  synthetic: (shape, layers) => synthesise(shape, layers),
};
