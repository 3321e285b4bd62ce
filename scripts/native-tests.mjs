/**
 * Building the engine's C++ tests (native/src, *_test.cc) with CMake and running them: what test-native.mjs and test-arm.mjs share; and
 * building the programs of native/bench.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { root, SetupError } from './setup.mjs';

const nativeDir = join(root, 'native');
/** Exit code of an executable that cannot run here; its first line says why. */
const skippedCode = 77;

export const works = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;

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

/** Builds all tests, or the named ones, in a folder of native/; `options` are CMake's. Returns the folder's path. */
export function buildTests(folder, options, targets = []) {
  const generator = checkTools();
  const buildDir = join(nativeDir, folder);
  dropForeignBuildFolder(buildDir, generator);
  cmake('Configuring the tests', [
    ...['-S', nativeDir, '-B', buildDir],
    ...(generator === undefined ? [] : ['-G', generator]),
    '-DCMAKE_BUILD_TYPE=Release',
    '-DNIWAKI_TESTS=ON',
    '-DNIWAKI_WERROR=ON',
    ...options,
  ]);
  cmake('Building the tests', [
    ...['--build', buildDir, '--config', 'Release', '--parallel', String(availableParallelism())],
    ...(targets.length === 0 ? [] : ['--target', ...targets]),
  ]);
  return buildDir;
}

/** Builds a program of native/bench, and what it needs, in a folder of native/. Returns the program's path. */
export function buildBench(folder, program) {
  const generator = checkTools();
  const buildDir = join(nativeDir, folder);
  dropForeignBuildFolder(buildDir, generator);
  cmake('Configuring the benchmark', [
    ...['-S', nativeDir, '-B', buildDir],
    ...(generator === undefined ? [] : ['-G', generator]),
    ...['-DCMAKE_BUILD_TYPE=Release', '-DNIWAKI_BENCH=ON'],
  ]);
  cmake('Building the benchmark', [
    ...['--build', buildDir, '--config', 'Release', '--parallel', String(availableParallelism())],
    ...['--target', program],
  ]);
  const path = executableOf(buildDir, program);
  if (path === undefined) {
    throw new SetupError(`The build ended well but left no ${program} in ${buildDir}.`);
  }
  return path;
}

/** Names of a processor's tests, after their sources: what an old build left behind is not run. */
export function testNames(arch = process.arch, directory = join(nativeDir, 'src')) {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.name !== 'x86' || (arch === 'x64' && process.platform !== 'win32'))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory()
        ? testNames(arch, path)
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
function runTest([program, ...args], timeout) {
  return new Promise((resolve) => {
    const started = performance.now();
    let output = '';
    const child = spawn(program, args, {
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

/** Tests with limits in milliseconds: nothing else runs beside them. */
const timedTests = new Set([
  ...['background_test', 'desk_test', 'engine_jobs_test', 'guided_jobs_test', 'scheduler_test'],
  ...['session_sync_test', 'thread_pool_test', 'timed_condition_test'],
]);

/**
 * Runs tests and prints what each says when it has ended; resolves with the cases that passed and failed. `emulator`: a command that
 * runs an executable which this machine cannot run itself. `lanes`: how many run at a time, but those that measure time, which come
 * after the others then; more than one only where the rest may take as long as they like. After the time that NIWAKI_TESTS_UNTIL names
 * (milliseconds since 1970; test-long.mjs sets it) no more of them begins: a line says which were skipped.
 */
export async function runTests(buildDir, names, { timeoutMs, emulator = [], lanes = 1 }) {
  const total = { passed: 0, failed: 0 };
  const until = Number(process.env.NIWAKI_TESTS_UNTIL ?? Infinity);
  const late = [];
  const lane = async (left) => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      if (Date.now() > until) {
        late.push(name);
        continue;
      }
      const path = executableOf(buildDir, name);
      const outcome = judge(
        name,
        path === undefined
          ? { code: null, problem: 'it was not built', output: '', seconds: 0 }
          : await runTest([...emulator, path], timeoutMs),
      );
      console.log(outcome.text.join('\n'));
      total.passed += outcome.passed;
      total.failed += outcome.failed;
    }
  };
  const isBesideOthers = (name) => lanes > 1 && !timedTests.has(name);
  const besideOthers = names.filter(isBesideOthers);
  await Promise.all(Array.from({ length: lanes }, () => lane(besideOthers)));
  await lane(names.filter((name) => !isBesideOthers(name)));
  if (late.length > 0) {
    console.log(`skipped for lack of time: ${late.join(', ')}`);
  }
  return total;
}
