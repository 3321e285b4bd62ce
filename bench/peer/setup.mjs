#!/usr/bin/env node
/**
 * Installs the peer: llama.cpp in the form of npm's node-llama-cpp, with the prebuilt library for this kind of machine, as
 * locked in package-lock.json beside this file. No install script runs, nothing is compiled, and nothing of it is ever a
 * dependency of Niwaki. Does nothing when it is there.
 *
 *   node bench/peer/setup.mjs
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'));

/** "" when the peer is installed in the right version, else what is missing. */
export function missing() {
  for (const [name, version] of Object.entries(readJson(folder, 'package.json').dependencies)) {
    try {
      const found = readJson(folder, 'node_modules', name, 'package.json').version;
      if (found !== version) {
        return `${name} is ${found}, wanted ${version}`;
      }
    } catch {
      return `${name} ${version} is not installed`;
    }
  }
  return '';
}

/**
 * Installs the peer where that is needed. Throws with a reason when it cannot be had.
 * @returns {boolean} whether something was installed
 */
export function setUpPeer() {
  if (missing() === '') {
    return false;
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The peer is only set up for linux-x64, this is ${process.platform}-${process.arch}. Compare on such a machine.`,
    );
  }
  // Not "npm ci": it wants the lock file to name the optional packages of every platform, which are left out here.
  const npm = spawnSync(
    'npm',
    [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--omit=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    { cwd: folder, encoding: 'utf8', env: cleanEnvironment() },
  );
  if (npm.status !== 0 || missing() !== '') {
    const reason = npm.error?.message ?? npm.stderr.split('\n').slice(0, 3).join(' ');
    throw new Error(`"npm install" in bench/peer failed (is there a network?): ${reason} ${missing()}`);
  }
  return true;
}

/** Inside "npm run" the variables of the outer npm would decide which project the inner one works on. */
function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package_|lifecycle_|command$|execpath$|config_local_prefix$)/i.test(name),
    ),
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    console.log(setUpPeer() ? 'Installed the peer into bench/peer/node_modules' : 'The peer is there');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
