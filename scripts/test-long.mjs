#!/usr/bin/env node
/**
 * The suites that take too long for `npm test`, one after the other: another processor, two sanitizers, fuzzing. Ends with
 * "N passed, N failed", the cases of all of them. A suite that cannot run here counts as one failure and says what it needs.
 *
 *   node scripts/test-long.mjs
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './setup.mjs';

const suites = [
  ['test:arm', 'test-arm.mjs'],
  ['test:asan', 'test-native.mjs', '--sanitize', 'address,undefined'],
  ['test:tsan', 'test-native.mjs', '--sanitize', 'thread'],
  ['test:fuzz', 'test-fuzz.mjs'],
];

/** Runs a suite, shows its output, and gives back what it counted. */
function run([name, script, ...args]) {
  return new Promise((resolve) => {
    console.log(`\n=== ${name}`);
    const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let tail = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      tail = (tail + text).slice(-4096);
    });
    child.on('close', (code) => {
      const counts = /^(\d+) passed, (\d+) failed\n$/m.exec(tail.split('\n').slice(-2).join('\n'));
      const passed = Number(counts?.[1] ?? 0);
      // A suite that ended before it could count, or that counted nothing, has failed.
      const failed = Math.max(Number(counts?.[2] ?? 0), code === 0 && passed > 0 ? 0 : 1);
      resolve({ name, passed, failed });
    });
  });
}

const results = [];
for (const suite of suites) {
  results.push(await run(suite));
}
console.log();
for (const { name, passed, failed } of results) {
  console.log(`${name}: ${passed} passed, ${failed} failed`);
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') === 0 ? 0 : 1;
