#!/usr/bin/env node
/**
 * Tests the built extension in a real VS Code: first the suites that run inside the extension host (suite/), then the one that
 * presses real keys (ui/). Ends with one line, "N passed, N failed".
 *
 *   node test/vscode/run.mjs [--suite] [--ui] [--beside] [--only NAME] [--grep PATTERN]
 *
 * Tests directly under suite/ share one VS Code with one folder. Each folder under suite/ is a scenario: a VS Code of its own,
 * started as its scenario.mjs says. --only takes a scenario's name or the beginning of a file's name under ui/. A whole run has some files of ui/
 * run by a second process beside all others; --beside runs those alone.
 *
 * NIWAKI_VSCODE=desktop            lets @vscode/test-electron download the oldest desktop VS Code that we support, for suite/
 * NIWAKI_VSCODE_EXECUTABLE=PATH    takes this desktop VS Code for suite/
 * Otherwise VS Code comes from npm packages (scripts/vscode/stack.mjs); ui/ needs those in any case.
 */
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Mocha from 'mocha';
import { root, SetupError } from '../../scripts/vscode/setup.mjs';
import { makeWorkspace } from './workspace.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const suite = join(here, 'suite');
const outDir = join(root, 'out', 'test', 'vscode');
const oldestDesktop = '1.106.0';

/** The suite runs in whatever Node the extension host has, so it is bundled; mocha stays outside, it loads itself in parts. */
async function bundleSuite() {
  rmSync(outDir, { recursive: true, force: true });
  await build({
    entryPoints: readdirSync(suite, { recursive: true })
      .filter((name) => name === 'index.ts' || name.endsWith('.test.ts'))
      .map((name) => join(suite, name)),
    outdir: outDir,
    outbase: suite,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** How VS Code is started: { name, start(temporary) → { launchArgs, extensions } }. */
async function scenarios(only) {
  const single = {
    name: 'single folder',
    folder: '',
    start: (temporary) => ({ launchArgs: [makeWorkspace(join(temporary, 'workspace'))], extensions: [] }),
  };
  const folders = readdirSync(suite, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const others = await Promise.all(
    folders
      .map(({ name }) => name)
      .sort()
      .map(async (name) => ({ name, folder: name, ...(await import(join(suite, name, 'scenario.mjs'))) })),
  );
  return [single, ...others].filter(({ name }) => only === '' || name === only);
}

async function runSuite(scenario, grep) {
  const temporary = mkdtempSync(join(tmpdir(), 'niwaki-suite-'));
  const results = join(temporary, 'results.json');
  const desktop = process.env.NIWAKI_VSCODE === 'desktop';
  const executable = process.env.NIWAKI_VSCODE_EXECUTABLE;
  try {
    const { launchArgs, extensions } = scenario.start(temporary);
    let problem;
    try {
      await runTests({
        ...(desktop
          ? { version: oldestDesktop }
          : { vscodeExecutablePath: executable ?? join(here, 'codeShim.mjs') }),
        extensionDevelopmentPath: [root, ...extensions],
        extensionTestsPath: join(outDir, 'index.js'),
        launchArgs: [...launchArgs, '--disable-extensions'],
        extensionTestsEnv: {
          NIWAKI_TEST_RESULTS: results,
          NIWAKI_TEST_GREP: grep,
          NIWAKI_TEST_SCENARIO: scenario.folder,
        },
      });
    } catch (error) {
      problem = error.message;
    }
    if (!existsSync(results)) {
      console.error(`The suite left no results: ${problem ?? 'VS Code reported success'}.`);
      return { passed: 0, failed: 1 };
    }
    const { passed, failed, serverPids, tests } = JSON.parse(readFileSync(results, 'utf8'));
    const left = serverPids.filter(isAlive);
    if (left.length > 0) {
      console.error(`Language servers were left behind: ${left.join(', ')}.`);
    }
    // All passed and yet a bad exit status: VS Code itself failed, or asked for something outside.
    const other = (failed === 0 && problem !== undefined) || left.length > 0;
    if (failed === 0 && problem !== undefined) {
      console.error(problem);
    }
    const titles = tests.filter(({ state }) => state === 'failed').map(({ title }) => title);
    const canSelect = !other && titles.every((title) => !title.includes('" hook'));
    return { passed, failed: failed + (other ? 1 : 0), titles: canSelect ? titles : undefined };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Files that a second process runs beside all others: a VS Code that is driven by keys waits most of the time. */
const besideOthers = new Set(['edit', 'files', 'nextEdit', 'pages']);

/**
 * By the names of files or scenarios. `titles`: the tests that failed, where each can be run without the others.
 * @typedef {Record<string, { passed: number, failed: number, titles?: string[] }>} Counts
 */

/** `beside`: whether those files, or all others; undefined = both. @returns {Promise<Counts>} */
async function runUi(only, grep, beside) {
  if (process.platform !== 'linux') {
    console.log(
      'The real-keyboard tests are skipped: they need the VS Code that the project brings along (linux-x64).',
    );
    return {};
  }
  const mocha = new Mocha({ ui: 'bdd', reporter: 'spec', ...(grep === '' ? {} : { grep }) });
  const folder = join(here, 'ui');
  for (const name of readdirSync(folder).sort()) {
    const isWanted = beside === undefined || besideOthers.has(name.split('.')[0]) === beside;
    if (name.endsWith('.test.mjs') && name.startsWith(only) && isWanted) {
      mocha.addFile(join(folder, name));
    }
  }
  await mocha.loadFilesAsync();
  /** @type {Counts} */
  const counts = {};
  const count = (test, what) => {
    const name = basename(test.file ?? '', '.test.mjs');
    counts[name] ??= { passed: 0, failed: 0 };
    counts[name][what] += 1;
  };
  return new Promise((resolve) => {
    mocha
      .run(() => resolve(counts))
      .on('pass', (test) => count(test, 'passed'))
      .on('fail', (test) => count(test, 'failed'));
  });
}

/** What `runUi` and the other process have counted, by the names of files: a line before the last one. */
const countsOf = (output) =>
  JSON.parse(/^Counts: (\{.*\})$/m.exec(output)?.[1] ?? '{"beside":{"passed":0,"failed":1}}');

/** The same program for files of ui/; what it says is shown when it is waited for. */
function startUi(...args) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--ui', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  }
  const ended = new Promise((resolve) => child.on('close', resolve));
  return async () => {
    await ended;
    process.stdout.write(output.replace(/\nCounts: [^]*$/, '\n'));
    return countsOf(output);
  };
}

/** A pattern for mocha that these titles match and no other; an empty one, which all match, for none. */
const exactly = (titles) =>
  titles.length === 0
    ? ''
    : `^(?:${titles.map((title) => title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$`;

/**
 * Two VS Codes at once are more than a slow machine has time for, and then limits are exceeded that say nothing. What failed so is run once more
 * with nothing beside it, and that counts; what was said of it before stays to be read.
 * @param {Counts} runs
 */
async function runAgain(runs) {
  for (const [name, before] of Object.entries(runs).filter(([, { failed }]) => failed > 0)) {
    console.log(`\n  Again, with nothing beside it: ${name}`);
    const scenario = (await scenarios(name))[0];
    const after =
      scenario === undefined
        ? (await startUi('--only', `${name}.test.mjs`)())[name]
        : await runSuite(scenario, exactly(before.titles ?? []));
    // Of a file under real keys all, for each test begins where the one before has ended.
    const kept = before.titles === undefined ? 0 : before.passed;
    const isComplete = before.titles === undefined || after?.passed === before.titles.length;
    runs[name] = {
      passed: kept + (after?.passed ?? 0),
      failed: Math.max(after?.failed ?? 1, isComplete ? 0 : 1),
    };
    if (runs[name].failed === 0) {
      console.log(`  ${name}: ${before.failed} failed beside other tests, none alone.`);
    }
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      suite: { type: 'boolean', default: false },
      ui: { type: 'boolean', default: false },
      beside: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      grep: { type: 'string', default: '' },
    },
  });
  for (const built of [
    'extension.js',
    'languageClient.js',
    'modelFlows.js',
    'privacyPages.js',
    'chatView.js',
    'editView.js',
    'newFiles.js',
    'nextEditView.js',
    'chat/page.js',
    'server.js',
  ]) {
    if (!existsSync(join(root, 'dist', built))) {
      throw new SetupError(`dist/${built} is missing. Run "npm run build" first.`);
    }
  }
  mkdirSync(join(root, 'out', 'screenshots'), { recursive: true });
  const both = values.suite === values.ui;
  const isWhole = both && values.only === '' && values.grep === '' && process.platform === 'linux';
  const besides = isWhole ? startUi('--beside') : undefined;
  /** @type {Counts} */
  const runs = {};
  if (both || values.suite) {
    await bundleSuite();
    for (const scenario of await scenarios(values.only)) {
      console.log(`\n  VS Code: ${scenario.name}`);
      runs[scenario.name] = await runSuite(scenario, values.grep);
    }
  }
  if (both || values.ui) {
    const beside = isWhole ? false : values.beside ? true : undefined;
    Object.assign(runs, await runUi(values.only, values.grep, beside));
  }
  if (besides !== undefined) {
    Object.assign(runs, await besides());
    await runAgain(runs);
  }
  if (values.ui && !both) {
    console.log(`Counts: ${JSON.stringify(runs)}`);
  }
  const each = Object.values(runs);
  const passed = each.reduce((sum, run) => sum + run.passed, 0);
  const failed = each.reduce((sum, run) => sum + run.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exit(1);
}
