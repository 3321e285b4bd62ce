/** A workspace that lies on no disk, as with the extensions that open repositories from the web. */
import { join } from 'node:path';
import { root } from '../../../../scripts/vscode/setup.mjs';

export function start() {
  return {
    launchArgs: ['--folder-uri=memfs-test:/project'],
    extensions: [join(root, 'test', 'fixtures', 'extensions', 'memory-files')],
  };
}
