#!/usr/bin/env node
/**
 * Makes the packages for Linux and tests them (test/package): what is in them, what they ask of a system, that the same sources give the
 * same bytes in another folder, and that they work where they are installed, here and in a Debian 11, without a network. Needs Linux and,
 * for the Debian 11, root once. Ends with "N passed, N failed".
 *
 *   node scripts/test-package.mjs [contents|reproducible|installed ...] [--packages FOLDER]
 *
 * --packages: tests packages that are already there, niwaki-linux-x64.vsix and niwaki-linux-arm64.vsix.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { canInstall, installDebian } from './debian.mjs';
import { makePackage } from './package.mjs';
import { bullseyePath, ensureBullseye } from './package/bullseye.mjs';
import { cleanEnvironment, ensurePackages, root, runMain, SetupError } from './setup.mjs';

const suites = ['contents', 'reproducible', 'installed'];

/** Programs that the tests call, and what brings them. */
const tools = { readelf: 'binutils', unzip: 'unzip', ip: 'iproute2', unshare: 'util-linux' };

async function ensureTools() {
  const missing = () =>
    Object.entries(tools).filter(([name]) => spawnSync('/bin/sh', ['-c', `command -v ${name}`]).status !== 0);
  if (missing().length > 0 && canInstall()) {
    await installDebian(missing().map(([, name]) => name));
  }
  if (missing().length > 0) {
    const names = missing().map(([, name]) => name);
    throw new SetupError(`These are needed. On Debian or Ubuntu: sudo apt-get install ${names.join(' ')}`);
  }
}

/** Runs a suite; `offline`: with no network but loopback. Resolves with what mocha counted. */
function runSuite(name, env) {
  const mocha = [
    process.execPath,
    '--import',
    'tsx',
    'node_modules/mocha/bin/mocha.js',
    '--timeout',
    '1500000',
  ];
  const command = [...mocha, '--reporter', 'spec', `test/package/${name}.test.mjs`];
  const asUser = process.getuid() === 0 ? [] : ['--map-root-user'];
  const offline = [
    'unshare',
    ...asUser,
    '--net',
    '--',
    '/bin/sh',
    '-c',
    'ip link set lo up && exec "$@"',
    'sh',
  ];
  const [program, ...args] = name === 'installed' ? [...offline, ...command] : command;
  return new Promise((resolvePromise) => {
    console.log(`--- ${name}`);
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      output += text;
    });
    child.on('close', (code) => {
      const number = (word) => Number(new RegExp(`^\\s+(\\d+) ${word}\\b`, 'm').exec(output)?.[1] ?? 0);
      const passed = number('passing');
      resolvePromise({ passed, failed: Math.max(number('failing'), code === 0 && passed > 0 ? 0 : 1) });
    });
  });
}

await runMain(async () => {
  const { values, positionals } = parseArgs({
    options: { packages: { type: 'string' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !suites.includes(name));
  if (unknown.length > 0) {
    throw new SetupError(`There is no suite ${unknown.join(' or ')}. Suites: ${suites.join(', ')}.`);
  }
  ensurePackages();
  await ensureTools();
  await ensureBullseye();
  const temporary = mkdtempSync(join(tmpdir(), 'niwaki-packages-'));
  try {
    const folder = values.packages === undefined ? temporary : resolve(values.packages);
    if (values.packages === undefined) {
      for (const target of ['linux-x64', 'linux-arm64']) {
        await makePackage({ target, out: join(folder, `niwaki-${target}.vsix`), quiet: true });
      }
    }
    // What the last suite needs is fetched before it is cut off from the network.
    const { ensureVsCodeStack } = await import('./vscode/stack.mjs');
    const { ensureChromium } = await import('./vscode/chromium.mjs');
    await ensureVsCodeStack();
    await ensureChromium();
    mkdirSync(join(root, 'out', 'screenshots'), { recursive: true });
    const env = {
      ...cleanEnvironment(),
      FORCE_COLOR: '0',
      NIWAKI_PACKAGES: folder,
      NIWAKI_BULLSEYE: bullseyePath(),
    };
    const total = { passed: 0, failed: 0 };
    for (const name of suites.filter((name) => positionals.length === 0 || positionals.includes(name))) {
      const { passed, failed } = await runSuite(name, env);
      total.passed += passed;
      total.failed += failed;
    }
    console.log(`${total.passed} passed, ${total.failed} failed`);
    process.exitCode = total.failed === 0 ? 0 : 1;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});
