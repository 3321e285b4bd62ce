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
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const nativeDir = join(root, 'native');
const timeoutMs = 120_000;
/** ThreadSanitizer makes a program ten times as slow. */
const sanitizedTimeoutMs = 1_200_000;
/** Exit code of an executable that cannot run here; its first line says why. */
const skippedCode = 77;

/** A failure that the user can mend; printed without a stack. */
class SetupError extends Error {}

const works = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;

function checkTools() {
  const hint = {
    linux: 'On Debian or Ubuntu: sudo apt-get install g++ cmake ninja-build.',
    darwin: 'Run: xcode-select --install, and install CMake (for example: brew install cmake ninja).',
    win32: 'Install the "Desktop development with C++" workload of Visual Studio 2022 Build Tools.',
  }[process.platform];
  if (!works('cmake')) {
    throw new SetupError(`CMake was not found; it is needed to build the engine's tests. ${hint ?? ''}`);
  }
  if (process.platform === 'win32') {
    return undefined; // CMake finds Visual Studio itself
  }
  const compilers = process.env.CXX === undefined ? ['c++', 'g++', 'clang++'] : [process.env.CXX];
  if (!compilers.some(works)) {
    throw new SetupError(`No C++ compiler was found (looked for ${compilers.join(', ')}). ${hint ?? ''}`);
  }
  const generator = works('ninja') ? 'Ninja' : works('make') ? 'Unix Makefiles' : undefined;
  if (generator === undefined) {
    throw new SetupError(`Neither Ninja nor Make was found. ${hint ?? ''}`);
  }
  return generator;
}

/** A build folder that was set up elsewhere, or for another generator, is of no use to CMake. */
function dropForeignBuildFolder(buildDir, generator) {
  const cachePath = join(buildDir, 'CMakeCache.txt');
  if (!existsSync(cachePath)) {
    return;
  }
  const cache = readFileSync(cachePath, 'utf8');
  const entry = (name) => new RegExp(`^${name}:INTERNAL=(.*)$`, 'm').exec(cache)?.[1];
  if (
    entry('CMAKE_HOME_DIRECTORY') !== nativeDir.replaceAll('\\', '/') ||
    (generator !== undefined && entry('CMAKE_GENERATOR') !== generator)
  ) {
    rmSync(buildDir, { recursive: true, force: true });
  }
}

/** Runs CMake; its output is shown only when it fails. */
function cmake(what, args) {
  const result = spawnSync('cmake', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) {
    throw new SetupError(`${what} failed:\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  }
}

function build(sanitize) {
  const generator = checkTools();
  const folder = sanitize === undefined ? 'build-tests' : `build-tests-${sanitize.replaceAll(',', '-')}`;
  const buildDir = join(nativeDir, folder);
  dropForeignBuildFolder(buildDir, generator);
  cmake('Configuring the tests', [
    ...['-S', nativeDir, '-B', buildDir],
    ...(generator === undefined ? [] : ['-G', generator]),
    '-DCMAKE_BUILD_TYPE=Release',
    '-DNIWAKI_TESTS=ON',
    '-DNIWAKI_WERROR=ON',
    `-DNIWAKI_SANITIZE=${sanitize ?? ''}`,
  ]);
  cmake('Building the tests', [
    ...['--build', buildDir, '--config', 'Release', '--parallel', String(availableParallelism())],
  ]);
  return buildDir;
}

/** Names of all tests, after their sources: what an old build left behind is not run. */
function testNames(directory = join(nativeDir, 'src')) {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory()
        ? testNames(path)
        : entry.name.endsWith('_test.cc')
          ? [basename(path, '.cc')]
          : [];
    })
    .sort();
}

function executableOf(buildDir, name) {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return [join(buildDir, file), join(buildDir, 'Release', file)].find((path) => existsSync(path));
}

/** Runs one executable; resolves with its output and how it ended. */
function runTest(path, timeout) {
  return new Promise((resolve) => {
    const started = performance.now();
    let output = '';
    const child = spawn(path, [], {
      cwd: root,
      env: { UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1', ...process.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    });
    const finish = (code, problem) =>
      resolve({ code, problem, output, seconds: (performance.now() - started) / 1000 });
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => finish(null, error.message));
    child.on('close', (code, signal) => finish(code, signal === null ? undefined : `ended by ${signal}`));
  });
}

/** What an executable's outcome means: its cases, and the lines to show. */
function judge(name, { code, problem, output, seconds }) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  if (code === skippedCode) {
    return { passed: 0, failed: 0, skipped: true, text: [`${name}: ${lines[0] ?? 'skipped'}`] };
  }
  const counts = /^(\d+) passed, (\d+) failed$/.exec(lines.at(-1) ?? '');
  const passed = Number(counts?.[1] ?? 0);
  // A crash, a time-out or a sanitizer's finding is a failure of its own, also when every case passed.
  const failed = Math.max(Number(counts?.[2] ?? 0), code === 0 && counts !== null ? 0 : 1);
  const heading = `${name}: ${passed} passed, ${failed} failed (${seconds.toFixed(1)} s)`;
  if (failed === 0) {
    return {
      passed,
      failed,
      skipped: false,
      text: [heading, ...lines.filter((line) => line.startsWith('    '))],
    };
  }
  const ending = problem ?? (code === 0 || code === 1 ? undefined : `exit code ${code}`);
  return {
    passed,
    failed,
    skipped: false,
    text: [heading, ...lines, ...(ending === undefined ? [] : [ending])],
  };
}

/** Valgrind counts the kernels' instructions. Installed where nobody has to be asked; without it that test says "skipped". */
function installValgrind() {
  const mayInstall = process.platform === 'linux' && process.arch === 'x64' && process.getuid?.() === 0;
  if (!mayInstall || works('valgrind') || !works('apt-get')) {
    return;
  }
  console.log('Installing valgrind (once) …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update'], { stdio: 'ignore', env });
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'valgrind'], { stdio: 'ignore', env });
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
    installValgrind();
  }
  const buildDir = build(sanitize);
  const total = { passed: 0, failed: 0 };
  for (const name of names) {
    const path = executableOf(buildDir, name);
    const outcome = judge(
      name,
      path === undefined
        ? { code: null, problem: 'it was not built', output: '', seconds: 0 }
        : await runTest(path, sanitize === undefined ? timeoutMs : sanitizedTimeoutMs),
    );
    console.log(outcome.text.join('\n'));
    total.passed += outcome.passed;
    total.failed += outcome.failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
