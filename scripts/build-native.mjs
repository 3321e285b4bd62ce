#!/usr/bin/env node
/**
 * Builds the native addons in Release and puts them at dist/native/<platform>-<arch>/: niwaki.node, and guard.node. Needs a C++20 compiler, CMake
 * 3.18 or newer, and either Ninja or Make; no network. Does nothing when no source has changed since the last build.
 *
 *   node scripts/build-native.mjs [--force] [--jobs N] [--quiet]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const nativeDir = join(root, 'native');
const buildDir = join(nativeDir, 'build');
const require = createRequire(import.meta.url);

/** The folder of the finished addon for this machine. */
export const addonDir = join(root, 'dist', 'native', `${process.platform}-${process.arch}`);
export const addonPath = join(addonDir, 'niwaki.node');
const guardPath = join(addonDir, 'guard.node');
const stampPath = join(addonDir, 'niwaki.stamp');

/** A failure that the user can mend; printed without a stack. */
class BuildError extends Error {}

/** Runs a program and returns its first line of output, or undefined when it is not there. */
function probe(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n')[0].trim() : undefined;
}

const installHint = {
  linux:
    'On Debian or Ubuntu: sudo apt-get install g++ cmake ninja-build. On Fedora: sudo dnf install gcc-c++ cmake ninja-build.',
  darwin: 'Run: xcode-select --install, and install CMake (for example: brew install cmake ninja).',
  win32:
    'Install the "Desktop development with C++" workload of Visual Studio 2022 Build Tools, which brings CMake too.',
};

/** The versions of the tools, or a BuildError that says what to install. */
function checkTools() {
  const hint = installHint[process.platform] ?? 'Install a C++20 compiler and CMake.';
  const cmake = probe('cmake', ['--version']);
  if (cmake === undefined) {
    throw new BuildError(`CMake was not found; it is needed to build Niwaki's engine. ${hint}`);
  }
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(cmake) ?? []).slice(1).map(Number);
  if (major < 3 || (major === 3 && minor < 18)) {
    throw new BuildError(
      `CMake 3.18 or newer is needed to build Niwaki's engine, but this is "${cmake}". ${hint}`,
    );
  }
  if (process.platform === 'win32') {
    return [cmake]; // cmake-js looks for Visual Studio itself and says so when there is none
  }
  // The compiler that CMake will take: $CXX, else the first of these.
  const candidates = process.env.CXX === undefined ? ['c++', 'g++', 'clang++'] : [process.env.CXX];
  const compiler = candidates
    .map((name) => probe(name, ['--version']))
    .find((version) => version !== undefined);
  if (compiler === undefined) {
    throw new BuildError(`No C++ compiler was found (looked for ${candidates.join(', ')}). ${hint}`);
  }
  if (probe('ninja', ['--version']) === undefined && probe('make', ['--version']) === undefined) {
    throw new BuildError(`Neither Ninja nor Make was found. ${hint}`);
  }
  return [cmake, compiler];
}

/** Every file that the addon is made of, sorted. Tests, build folders and benchmarks are not. */
function sourceFiles(directory = nativeDir) {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        return /^(build.*|bench|fuzz)$/.test(entry.name) ? [] : sourceFiles(path);
      }
      return /_test\.cc$|\.md$/.test(entry.name) ? [] : [path];
    })
    .sort();
}

/** A hash over all that decides what the addon looks like. */
function fingerprint(tools) {
  const hash = createHash('sha256');
  const add = (name, content) => hash.update(`${name}\0${content.length}\0`).update(content);
  for (const file of [...sourceFiles(), fileURLToPath(import.meta.url)]) {
    add(relative(root, file), readFileSync(file));
  }
  for (const name of ['cmake-js', 'node-addon-api', 'node-api-headers']) {
    add(name, require(`${name}/package.json`).version);
  }
  add('tools', tools.join('\n'));
  add(
    'machine',
    `${process.platform}-${process.arch} ${process.env.CXX ?? ''} ${process.env.CXXFLAGS ?? ''}`,
  );
  return hash.digest('hex');
}

/** The environment without npm's `nodedir`: with it, cmake-js looks for Node's own headers instead of node-api-headers. */
function cmakeEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.toLowerCase() !== 'npm_config_nodedir'),
  );
}

function cmakeJs(command, { jobs, quiet }) {
  const args = [
    join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js'),
    command,
    ...[
      '--directory',
      nativeDir,
      '--out',
      buildDir,
      '--config',
      'Release',
      '--log-level',
      quiet ? 'error' : 'warn',
    ],
    ...(command === 'build' ? ['--parallel', String(jobs)] : []),
  ];
  const result = spawnSync(process.execPath, args, {
    cwd: nativeDir,
    env: cmakeEnvironment(),
    encoding: 'utf8',
    stdio: quiet ? 'pipe' : 'inherit',
  });
  if (result.status !== 0) {
    const output = quiet ? `\n${result.stdout}${result.stderr}` : '';
    throw new BuildError(`The engine could not be built: "cmake-js ${command}" failed.${output}`);
  }
}

/** A build folder that was configured elsewhere, or with another generator's leftovers, is of no use to CMake. */
function dropForeignBuildFolder() {
  const cache = join(buildDir, 'CMakeCache.txt');
  const home = existsSync(cache)
    ? /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1]
    : nativeDir;
  if (home !== nativeDir.replaceAll('\\', '/')) {
    rmSync(buildDir, { recursive: true, force: true });
  }
}

/**
 * Builds the addon where that is needed.
 * @param {{ force?: boolean, jobs?: number, quiet?: boolean }} [options]
 * @returns {{ path: string, built: boolean }}
 */
export function buildNative(options = {}) {
  const { force = false, jobs = availableParallelism(), quiet = false } = options;
  for (const name of ['cmake-js', 'node-addon-api', 'node-api-headers']) {
    try {
      require.resolve(`${name}/package.json`);
    } catch {
      throw new BuildError(`The npm package ${name} is not installed. Run "npm ci" first.`);
    }
  }
  const stamp = fingerprint(checkTools());
  const there = [addonPath, guardPath, stampPath].every((path) => existsSync(path));
  if (!force && there && readFileSync(stampPath, 'utf8') === stamp) {
    return { path: addonPath, built: false };
  }
  dropForeignBuildFolder();
  cmakeJs('configure', { jobs, quiet });
  cmakeJs('build', { jobs, quiet });
  mkdirSync(addonDir, { recursive: true });
  for (const path of [addonPath, guardPath]) {
    const built = join(buildDir, 'Release', basename(path));
    if (!existsSync(built)) {
      throw new BuildError(`The build ended well but left no ${built}. Remove native/build and try again.`);
    }
    // A process may have the old file mapped: put the new one in its place instead of writing into it.
    const fresh = `${path}.${process.pid}`;
    copyFileSync(built, fresh);
    renameSync(fresh, path);
  }
  rmSync(stampPath, { force: true }); // not written into: another checkout may share the file by a hard link
  writeFileSync(stampPath, stamp);
  return { path: addonPath, built: true };
}

function main(args) {
  const jobsAt = args.indexOf('--jobs');
  const jobs = jobsAt >= 0 ? Number(args[jobsAt + 1]) : undefined;
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs > 0)) {
    throw new BuildError('--jobs takes a whole number above 0.');
  }
  const quiet = args.includes('--quiet');
  const result = buildNative({
    force: args.includes('--force'),
    quiet,
    ...(jobs === undefined ? {} : { jobs }),
  });
  if (!quiet) {
    console.log(`${result.built ? 'Built' : 'Up to date:'} ${relative(root, result.path)}`);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof BuildError)) {
      throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
  }
}
