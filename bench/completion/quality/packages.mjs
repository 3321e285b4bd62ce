#!/usr/bin/env node
/**
 * Packages whose sources the embedded model was not trained on, as npm packs them: versions and hashes are pinned in packages.json.
 * They are fetched with npm's own client into bench/results/packages, which git ignores; nothing in them is ever run.
 *
 *   node bench/completion/quality/packages.mjs      fetches what is missing
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cleanEnvironment, root } from '../../../scripts/setup.mjs';

const folder = join(root, 'bench', 'results', 'packages');
const pinned = JSON.parse(
  readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'packages.json'), 'utf8'),
);

export const packageNames = Object.keys(pinned);

function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
    ...options,
  });
  if (result.status !== 0) {
    const why = result.error?.message ?? result.stderr.trim().split('\n')[0];
    throw new Error(`"${command} ${args[0]}" failed: ${why}`);
  }
}

function fetchPackage(name, version, integrity, target) {
  const archive = join(folder, `${name}-${version}.tgz`);
  if (!existsSync(archive)) {
    // In the folder itself, not in the project: npm would take a package of that name in node_modules for what is meant.
    run('npm', ['pack', '--silent', `${name}@${version}`], { cwd: folder, env: cleanEnvironment() });
  }
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) {
    rmSync(archive);
    throw new Error(`the archive's hash is ${found}, not the pinned one`);
  }
  const part = `${target}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  run('tar', ['-xzf', archive, '-C', part]);
  renameSync(part, target); // a torn folder never has the name that is looked for
}

/**
 * The folder of a package's files, fetched where it is not there. Throws with a reason when it cannot be had.
 * @param {string} name of packages.json
 */
export function packageFolder(name) {
  const { version, integrity } = pinned[name];
  const target = join(folder, `${name}-${version}`);
  if (!existsSync(target)) {
    mkdirSync(folder, { recursive: true });
    try {
      fetchPackage(name, version, integrity, target);
    } catch (error) {
      throw new Error(`${name} ${version} cannot be had (is there a network?): ${error.message}`, {
        cause: error,
      });
    }
  }
  return join(target, 'package');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    for (const name of packageNames) {
      console.log(packageFolder(name));
    }
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
