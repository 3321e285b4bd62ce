/**
 * The two texts, of this project's own sources: the calibration sees the one, and everything is reported on the other. Nothing
 * was chosen by what came out on the second.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const sources = {
  calibrate: ['server/src'],
  report: [
    'client/src',
    'native/src/engine',
    'native/src/model',
    'native/src/sample',
    'native/src/tokenizer',
  ],
};
/** Tables of numbers are no text. */
const left = /unicode_table\.cc$/;

function files(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? files(path) : /\.(ts|cc)$/.test(path) && !left.test(path) ? [path] : [];
    });
}

/** The files of a text (`calibrate` or `report`), in its order. */
export function filesOf(root, name) {
  return sources[name].flatMap((directory) => files(join(root, directory)));
}

/** Writes both into bench/results; what they are is in the report, by hash. */
export function writeTexts(root) {
  const folder = join(root, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  return Object.fromEntries(
    Object.entries(sources).map(([name, directories]) => {
      const text = filesOf(root, name)
        .map((path) => readFileSync(path, 'utf8'))
        .join('');
      const path = join(folder, `kv-${name}.txt`);
      writeFileSync(path, text);
      const sha256 = createHash('sha256').update(text).digest('hex').slice(0, 16);
      return [
        name,
        { path: relative(root, path), from: directories, bytes: Buffer.byteLength(text), sha256 },
      ];
    }),
  );
}
