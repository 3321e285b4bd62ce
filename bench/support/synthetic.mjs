/** Synthetic model files for the benchmarks, written by the tests' writer. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const results = join(root, 'bench', 'results');

/** A synthetic file of one of the writer's shapes, perhaps with fewer layers; kept for later runs until the writer changes. */
export function synthesise(shape, layers) {
  const writer = join(root, 'test', 'support', 'ggufWriter.ts');
  const hash = createHash('sha256');
  for (const source of [
    writer,
    join(writer, '..', 'random.ts'),
    join(writer, '..', 'syntheticTokenizer.ts'),
  ]) {
    hash.update(readFileSync(source));
  }
  const name = layers === undefined ? shape : `${shape}-${layers}-layers`;
  const path = join(results, `synthetic-${name}-${hash.digest('hex').slice(0, 8)}.gguf`);
  if (!existsSync(path)) {
    console.error(`Writing ${relative(root, path)}`);
    mkdirSync(results, { recursive: true });
    const written = spawnSync(
      process.execPath,
      [
        ...['--import', 'tsx', writer, '--shape', shape],
        ...(layers === undefined ? [] : ['--layers', String(layers)]),
        `${path}.part`,
      ],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    if (written.status !== 0) {
      rmSync(`${path}.part`, { force: true });
      throw new Error(`Could not write ${path}.`);
    }
    renameSync(`${path}.part`, path); // a torn file never has the name that is looked for
  }
  return path;
}
