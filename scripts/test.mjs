#!/usr/bin/env node
/**
 * Runs the suites, all of them or those that are named, and does the set-up that each needs. Ends with "N passed, N failed";
 * a test that is skipped says why.
 *
 *   node scripts/test.mjs [tidy|unit|cpp|native|integration|vscode ...]
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, ensurePackages, root, runMain, SetupError } from './setup.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const mocha = ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', '--reporter', 'spec'];

/** In the order in which they run: the quick ones first. `build`: the bundles and the addon are needed. */
const suites = {
  check: { command: [join(here, 'check.mjs')], countsAsOne: true },
  tidy: { command: [...mocha, 'test/tidy/**/*.test.ts'], build: true },
  unit: { command: [...mocha, 'test/unit/**/*.test.ts'], build: true },
  cpp: { command: [join(here, 'test-native.mjs')] },
  native: { command: [...mocha, '--timeout', '60000', 'test/native/**/*.test.ts'], build: true },
  integration: { command: [...mocha, '--timeout', '60000', 'test/integration/**/*.test.ts'], build: true },
  vscode: { command: ['test/vscode/run.mjs'], build: true },
};

/** Runs a program, shows its output, and gives back its status and its last 64 KiB of output. */
function run(command) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, {
      cwd: root,
      env: { ...cleanEnvironment(), FORCE_COLOR: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        process.stdout.write(chunk);
        output = (output + chunk).slice(-65536);
      });
    }
    child.on('close', (code, signal) =>
      resolve({ ok: code === 0, how: signal ?? `exit status ${code}`, output }),
    );
  });
}

/** What a suite counted: mocha's "N passing", or the line that ours end with. */
function counts(output) {
  const ours = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  if (ours !== undefined) {
    return { passed: Number(ours[1]), failed: Number(ours[2]) };
  }
  const number = (word) => Number(new RegExp(`^\\s+(\\d+) ${word}\\b`, 'm').exec(output)?.[1] ?? 0);
  return { passed: number('passing'), failed: number('failing') };
}

await runMain(async () => {
  const named = process.argv.slice(2);
  for (const name of named) {
    if (!(name in suites)) {
      throw new SetupError(`There is no suite "${name}". Suites: ${Object.keys(suites).join(', ')}.`);
    }
  }
  ensurePackages();
  const chosen = named.length > 0 ? named : Object.keys(suites);
  if (chosen.some((name) => suites[name].build)) {
    const { buildAll } = await import('./build.mjs');
    await buildAll({ quiet: true });
  }
  const total = { passed: 0, failed: 0 };
  const summary = [];
  for (const name of chosen) {
    const started = Date.now();
    console.log(`\n=== ${name}`);
    const result = await run(suites[name].command);
    const counted = suites[name].countsAsOne
      ? { passed: result.ok ? 1 : 0, failed: result.ok ? 0 : 1 }
      : counts(result.output);
    if (!result.ok && counted.failed === 0) {
      console.log(`The suite "${name}" ended with ${result.how} before it could say what failed.`);
      counted.failed = 1;
    } else if (result.ok && counted.passed === 0) {
      console.log(`The suite "${name}" ran no test.`);
      counted.failed = 1;
    }
    total.passed += counted.passed;
    total.failed += counted.failed;
    summary.push(
      `${name}: ${counted.passed} passed, ${counted.failed} failed, ${((Date.now() - started) / 1000).toFixed(0)} s`,
    );
  }
  console.log(`\n${summary.join('\n')}\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
});
