/**
 * What every command needs before it can begin: the right Node, and the npm packages of the lock file. Imports nothing but Node,
 * because nothing else is there yet.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Something that the user can mend; printed without a stack. */
export class SetupError extends Error {}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) {
    throw new SetupError(`Node 20 or newer is needed; this is ${process.versions.node}.`);
  }
}

/** Environment without what `npm run` puts into it for scripts: a nested npm would take it for its own configuration. */
export function cleanEnvironment(env = process.env) {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^npm_(config|package|lifecycle|command|execpath|node)/i.test(name),
    ),
  );
}

/** `npm ci`, unless the installed packages are those of the lock file. */
export function ensurePackages({ quiet = false } = {}) {
  checkNode();
  const stamp = join(root, 'node_modules', '.niwaki-stamp');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return;
  }
  if (!quiet) {
    console.log('Installing npm packages…');
  }
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // No install scripts: nothing that is installed has to be built or fetched from elsewhere, esbuild's binary included.
  const result = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env: cleanEnvironment(),
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    const why = result.error?.message ?? result.stderr;
    throw new SetupError(
      `"npm ci" failed: ${why}\nNiwaki itself never goes online, but its build tools come from npm's registry.`,
    );
  }
  writeFileSync(stamp, wanted);
}

/** Runs a command's main function; a SetupError ends it with its message alone. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (error instanceof SetupError || error?.name === 'SetupError') {
      console.error(error.message);
    } else {
      console.error(error);
    }
    process.exitCode = 1;
  }
}
