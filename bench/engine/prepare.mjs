/** Everything that the benchmark needs, made or installed where it is missing. */
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from '../../scripts/setup.mjs';
import { setUpPeer } from '../peer/setup.mjs';
import { synthesise } from '../support/synthetic.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * @returns {Promise<{ addonPath: string, embedded: string, big: string }>}
 */
export async function prepare() {
  ensurePackages({ quiet: true });
  const { buildNative } = await import('../../scripts/build-native.mjs');
  const { path, built } = buildNative({ quiet: true });
  if (built) {
    console.log(`Built ${relative(root, path)}`);
  }
  if (setUpPeer()) {
    console.log('Installed the peer into bench/peer/node_modules');
  }
  return {
    addonPath: path,
    embedded: join(root, 'models', 'nano.gguf'),
    big: synthesise('qwen3-1.7B'),
  };
}
