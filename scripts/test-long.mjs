#!/usr/bin/env node
/**
 * The suites that take too long for `npm test`, one after the other: packages, Windows' compiler, another processor, two sanitizers,
 * fuzzing. Each has a budget, and all of them together have 65 minutes on two cores. When a budget is used up on a slow machine, C++ tests
 * that have not begun are skipped, and said to be; fuzzing takes less time. What then goes on for minutes is ended and has failed. Says once
 * more at the end what failed, and ends with "N passed, N failed", the cases of all of them. A suite that cannot run here counts as one
 * failure and says what it needs.
 *
 *   node scripts/test-long.mjs [package|mingw|arm|tsan|asan|fuzz ...] [--minutes N]
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { canInstall, installDebian, toolPackages } from './debian.mjs';
import { failures } from './failures.mjs';
import { root, runMain, SetupError } from './setup.mjs';

/** What has threads, locks or jobs that meet in it. ThreadSanitizer makes a program ten times as slow. */
const threaded = [
  ...[
    'background_test',
    'desk_test',
    'engine_jobs_test',
    'guided_jobs_test',
    'load_test',
    'page_store_test',
    'pause_test',
    'saved_pages_test',
  ],
  ...[
    'qwen3_cancel_test',
    'scheduler_test',
    'session_sync_test',
    'sharing_test',
    'thread_pool_test',
    'timed_condition_test',
  ],
];
/** What reads other people's files, and what computes addresses. */
const addressed = [
  ...[
    'attention_test',
    'codes_test',
    'coded_cache_test',
    'file_image_test',
    'gguf_test',
    'hostile_file_test',
  ],
  ...['kernels_test', 'kv_test', 'matrix_products_test', 'page_', 'private_folder_test', 'refusal_test'],
  ...['saved_pages_test', 'session_sync_test', 'shift_test', 'tokenizer_test', 'vector_ops_test'],
];

/** With `npm test`, within 85; .ci/run says how many are left. */
const minutesInAll = 65;
/** What a test that has begun may take beyond its suite's budget, and beyond the time of all. */
const graceMinutes = 4;
/** A suite does not begin with less than this. */
const leastMinutes = 2;
/**
 * `minutes`: the budget, about twice what a suite takes on a quiet machine with nothing built. `tools`: Debian's packages that it needs, by
 * their name in debian.mjs.
 */
const suites = {
  package: { minutes: 15, script: 'test-package.mjs', args: [] },
  mingw: { minutes: 12, script: 'test-mingw.mjs', args: [], tools: 'mingw' },
  arm: { minutes: 15, script: 'test-arm.mjs', args: [], tools: 'arm' },
  tsan: { minutes: 16, script: 'test-native.mjs', args: [...threaded, '--sanitize', 'thread'] },
  asan: { minutes: 13, script: 'test-native.mjs', args: [...addressed, '--sanitize', 'address,undefined'] },
  fuzz: { minutes: 8, script: 'test-fuzz.mjs', args: ['--seconds', '40'], tools: 'fuzz' },
};

/** Runs a suite, shows its output, and gives back what it counted. */
function run(name, minutesLeft) {
  const { script, args } = suites[name];
  const minutes = Math.min(suites[name].minutes, Math.round(minutesLeft));
  if (minutes < leastMinutes) {
    console.log(`\n=== ${name}: skipped, no time left`);
    return { ...{ name, passed: 0, failed: 0, output: '', seconds: 0 }, skipped: 'all of it' };
  }
  return new Promise((resolve) => {
    console.log(`\n=== ${name} (at most ${minutes} minutes)`);
    const started = Date.now();
    const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], {
      cwd: root,
      env: { ...process.env, NIWAKI_TESTS_UNTIL: String(started + minutes * 60_000) },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true, // a process group of its own: what it has started ends with it
    });
    const stop = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // it has ended
      }
    };
    process.once('exit', stop);
    let over = false;
    const timer = setTimeout(
      () => {
        over = true;
        stop();
      },
      (minutes + graceMinutes) * 60_000,
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      output = (output + text).slice(-1048576);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      process.removeListener('exit', stop);
      if (over) {
        console.log(`The suite "${name}" was ended after ${minutes + graceMinutes} minutes.`);
      }
      const counts = /^(\d+) passed, (\d+) failed\n$/m.exec(output.split('\n').slice(-2).join('\n'));
      const passed = Number(counts?.[1] ?? 0);
      const skipped = [...output.matchAll(/^skipped for lack of time: (.*)$/gm)].map(([, what]) => what);
      // A suite that ended before it could count, or that counted nothing, has failed.
      const isSound = code === 0 && (passed > 0 || skipped.length > 0);
      const failed = Math.max(Number(counts?.[2] ?? 0), isSound ? 0 : 1);
      const seconds = (Date.now() - started) / 1000;
      resolve({ name, passed, failed, output, seconds, skipped: skipped.join(', ') });
    });
  });
}

async function installTools(chosen) {
  const packages = chosen.flatMap((name) => toolPackages[suites[name].tools] ?? []);
  if (packages.length > 0 && canInstall()) {
    await installDebian(packages);
  }
}

await runMain(async () => {
  const { values, positionals: named } = parseArgs({
    options: { minutes: { type: 'string', default: String(minutesInAll) } },
    allowPositionals: true,
  });
  const inAll = Number(values.minutes);
  if (!(inAll > 0)) {
    throw new SetupError('--minutes takes a number above 0.');
  }
  const unknown = named.filter((name) => !(name in suites));
  if (unknown.length > 0) {
    throw new SetupError(
      `There is no long suite ${unknown.join(' or ')}. Suites: ${Object.keys(suites).join(', ')}.`,
    );
  }
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.exit(1));
  }
  const results = [];
  const started = Date.now();
  const chosen = named.length > 0 ? named : Object.keys(suites);
  // Beside the first suite, for it is waiting for the most part. Where it fails, the suite that needs a tool says so.
  const tools = installTools(chosen);
  for (const name of chosen) {
    if (suites[name].tools !== undefined) {
      await tools;
    }
    results.push(await run(name, inAll - graceMinutes - (Date.now() - started) / 60_000));
  }
  for (const { name, failed, output } of results) {
    if (failed > 0) {
      console.log(`\n=== what failed in ${name}\n${failures(output)}`);
    }
  }
  console.log();
  for (const { name, passed, failed, seconds, skipped } of results) {
    const without = skipped === '' ? '' : `; skipped for lack of time: ${skipped}`;
    console.log(`${name}: ${passed} passed, ${failed} failed, ${seconds.toFixed(0)} s${without}`);
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`${(sum('seconds') / 60).toFixed(1)} minutes`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
});
