#!/usr/bin/env node
/**
 * Runs the suites, all of them or those that are named, and does the set-up that each needs. Says once more at the end what failed,
 * and ends with "N passed, N failed"; a test that is skipped says why.
 *
 *   node scripts/test.mjs [tidy|unit|page|cpp|native|integration|vscode ...]
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failures } from './failures.mjs';
import { cleanEnvironment, ensurePackages, root, runMain, SetupError } from './setup.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const mocha = ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', '--reporter', 'spec'];

/**
 * In the order in which they run: the quick ones first. `build`: the bundles and the addon are needed. `early`: begun with the first suite, for most of
 * its time is waiting; what it says is shown in its turn. `browser`: Chromium is needed, and installed before any of them begins: that can
 * take minutes, which no test's time limit has.
 */
const suites = {
  check: { command: [join(here, 'check.mjs')], countsAsOne: true },
  tidy: { command: [...mocha, 'test/tidy/**/*.test.ts'], build: true },
  // What has to be quick is measured in processor time, by the tests themselves; the limit is for what hangs.
  unit: { command: [...mocha, '--timeout', '20000', 'test/unit/**/*.test.ts'], build: true },
  page: {
    command: [...mocha, '--timeout', '60000', 'test/page/*.test.mjs'],
    build: true,
    early: true,
    browser: true,
  },
  cpp: { command: [join(here, 'test-native.mjs')] },
  native: { command: [...mocha, '--timeout', '60000', 'test/native/**/*.test.ts'], build: true },
  integration: { command: [...mocha, '--timeout', '60000', 'test/integration/**/*.test.ts'], build: true },
  vscode: { command: ['test/vscode/run.mjs'], build: true, browser: true },
};

/** Runs a program, gives its output to `show`, and gives back its status, its last MiB of output, and the seconds that it took. */
function run(command, show = (chunk) => process.stdout.write(chunk)) {
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, {
      cwd: root,
      env: { ...cleanEnvironment(), FORCE_COLOR: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        show(chunk);
        output = (output + chunk).slice(-1048576);
      });
    }
    child.on('close', (code, signal) =>
      resolve({
        ...{ ok: code === 0, how: signal ?? `exit status ${code}`, output },
        seconds: (Date.now() - started) / 1000,
      }),
    );
  });
}

/** The same, shown when it is asked for. */
function runEarly(command) {
  let unseen = '';
  let show = (chunk) => (unseen += chunk);
  const result = run(command, (chunk) => show(chunk));
  return () => {
    process.stdout.write(unseen);
    show = (chunk) => process.stdout.write(chunk);
    return result;
  };
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
  // Beside the build, for it is waiting for the most part. Where it fails, the suites that need it say so.
  const browser = chosen.some((name) => suites[name].browser)
    ? runEarly([join(here, 'vscode', 'chromium.mjs')])
    : undefined;
  if (chosen.includes('vscode') && chosen.length > 1) {
    void run([join(here, 'vscode', 'stack.mjs'), '--quiet'], () => undefined); // the suite waits for it, or fetches it itself
  }
  if (chosen.some((name) => suites[name].build)) {
    const { buildAll } = await import('./build.mjs');
    await buildAll({ quiet: true });
  }
  await browser?.();
  const total = { passed: 0, failed: 0 };
  const summary = [];
  const failed = [];
  const early = Object.fromEntries(
    chosen.filter((name) => suites[name].early).map((name) => [name, runEarly(suites[name].command)]),
  );
  for (const name of chosen) {
    console.log(`\n=== ${name}`);
    const result = await (early[name] ?? (() => run(suites[name].command)))();
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
    if (counted.failed > 0) {
      failed.push(`\n=== what failed in ${name}\n${failures(result.output)}`);
    }
    total.passed += counted.passed;
    total.failed += counted.failed;
    summary.push(
      `${name}: ${counted.passed} passed, ${counted.failed} failed, ${result.seconds.toFixed(0)} s`,
    );
  }
  failed.forEach((text) => console.log(text));
  console.log(`\n${summary.join('\n')}\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
});
