#!/usr/bin/env node
/**
 * Finds the Chromium that the tests show VS Code in, and installs it where that can be done without asking anyone.
 *
 *   node scripts/vscode/chromium.mjs
 */
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { canInstall, installDebian } from '../debian.mjs';
import { SetupError, testHome, withLock } from './setup.mjs';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Without a font Chromium starts but shows empty boxes, and the screenshots show nothing. */
const debianPackages = ['chromium', 'fonts-dejavu-core'];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of an installed Chromium or Chrome, or undefined. */
export function findChromium() {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)].filter(
    (folder) => folder !== '',
  );
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

async function install(quiet) {
  const problem = await installDebian(debianPackages);
  if (problem !== undefined) {
    throw new SetupError(`"apt-get install ${debianPackages.join(' ')}" failed:\n${problem}`.slice(-2000));
  }
  if (!quiet) {
    console.log('Chromium is installed.');
  }
}

/**
 * @param {{ quiet?: boolean }} [options]
 * @returns {Promise<string>} the path of a Chromium that can be started
 */
export async function ensureChromium({ quiet = false } = {}) {
  const named = process.env.CHROMIUM;
  if (named !== undefined && named !== '') {
    if (!isExecutable(named)) {
      throw new SetupError(`The variable CHROMIUM names ${named}, which is not an executable file.`);
    }
    return named;
  }
  if (findChromium() === undefined) {
    if (!canInstall()) {
      throw new SetupError(
        'Chromium or Chrome is needed to test in a real VS Code, and none was found. On Debian or Ubuntu: ' +
          `sudo apt-get install ${debianPackages.join(' ')}. Elsewhere: install one and set CHROMIUM to its path.`,
      );
    }
    await withLock(join(testHome, 'chromium.lock'), async () => {
      if (findChromium() === undefined) {
        if (!quiet) {
          console.log(`Installing ${debianPackages.join(', ')} (once) …`);
        }
        await install(quiet);
      }
    });
  }
  const found = findChromium();
  if (found === undefined) {
    throw new SetupError(`Chromium was installed but none of ${names.join(', ')} is on the path.`);
  }
  return found;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    console.log(await ensureChromium());
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
  }
}
