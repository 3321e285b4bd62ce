#!/usr/bin/env node
/**
 * Writes the small recordings that lie beside the tests, from the git history. They are not made anew with every change: only when the
 * format or the typist changes.
 *
 *   node bench/completion/replay/makeFixtures.mjs
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeRecording } from './format.mjs';
import { historySittings, ownFiles } from './history.mjs';
import { editSittings, fillIn } from './scripts.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const folder = join(root, 'test', 'fixtures', 'recordings');
const seed = 3;

/** Sittings of one kind, a file each. */
function* only(sittings, wanted) {
  for (const { name, files } of sittings) {
    for (const file of files.filter(
      ({ path, before }) => path.endsWith('.ts') && (before === '') === wanted,
    )) {
      yield { name, files: [file] };
    }
  }
}

const options = (title) => ({
  seed,
  keys: 160,
  title,
  source: 'this project, as it was when the recording was made',
});
const file = ownFiles(root).find(({ path }) => path.endsWith('completion/fit.ts'));
const recordings = {
  'new-file': editSittings(only(historySittings(root, seed).sittings, true), options('a new file')),
  changes: editSittings(only(historySittings(root, seed).sittings, false), options('changes in files')),
  'fill-in': fillIn(file.path, file.text, options('missing functions')),
};
mkdirSync(folder, { recursive: true });
for (const [name, recording] of Object.entries(recordings)) {
  writeFileSync(join(folder, `${name}.jsonl`), writeRecording(recording));
}
