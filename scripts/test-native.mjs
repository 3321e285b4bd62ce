#!/usr/bin/env node
/**
 * Builds the engine with the C++ tests that lie beside its code (native/src/**\/*_test.cc) and runs them. Needs CMake, a C++20
 * compiler, and Ninja or Make; no network. Prints figures that tests measure, and a test's whole output only when it fails.
 * The last line is "N passed, N failed", cases added up over all executables.
 *
 *   node scripts/test-native.mjs [name ...] [--sanitize address,undefined | --sanitize thread]
 *
 * A name picks the executables whose name contains it, for example "kernels". A sanitized build lies in a folder of its own.
 */
import { availableParallelism } from 'node:os';
import { canInstall, installDebian } from './debian.mjs';
import { buildTests, runTests, testNames, works } from './native-tests.mjs';
import { runMain, SetupError } from './setup.mjs';

const ordinaryTimeoutMs = 120_000;
/** ThreadSanitizer makes a program ten times as slow. */
const sanitizedTimeoutMs = 600_000;

/** Valgrind counts the kernels' instructions. Installed where nobody has to be asked; without it that test says "skipped". */
async function installValgrind() {
  if (process.arch === 'x64' && !works('valgrind') && canInstall()) {
    console.log('Installing valgrind (once) …');
    await installDebian(['valgrind']);
  }
}

async function main(args) {
  const at = args.indexOf('--sanitize');
  const sanitize = at >= 0 ? args[at + 1] : undefined;
  if (at >= 0 && !/^[a-z]+(,[a-z]+)*$/.test(sanitize ?? '')) {
    throw new SetupError('--sanitize takes the names of sanitizers, for example address,undefined.');
  }
  const wanted = args.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  const names = testNames().filter(
    (name) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
  );
  if (names.length === 0) {
    throw new SetupError(`No test's name contains ${wanted.join(' or ')}.`);
  }
  if (sanitize === undefined && names.includes('instruction_counts_test')) {
    await installValgrind();
  }
  const folder = sanitize === undefined ? 'build-tests' : `build-tests-${sanitize.replaceAll(',', '-')}`;
  // All of them where nothing is named, so that what no longer compiles is noticed.
  const targets = wanted.length === 0 ? [] : names;
  const buildDir = buildTests(
    folder,
    [`-DNIWAKI_SANITIZE=${sanitize ?? ''}`, '-DNIWAKI_QUICK_TESTS=ON'],
    targets,
  );
  const total = await runTests(buildDir, names, {
    timeoutMs: sanitize === undefined ? ordinaryTimeoutMs : sanitizedTimeoutMs,
    lanes: sanitize === undefined ? 1 : availableParallelism(), // a sanitized program may take its time
  });
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await runMain(() => main(process.argv.slice(2)));
