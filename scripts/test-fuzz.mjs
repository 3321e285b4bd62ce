#!/usr/bin/env node
/**
 * Builds the fuzz targets (native/fuzz/*_fuzz.cc) with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, and
 * runs each for a while. What a target learns is kept in out/fuzz and used the next time; an input that breaks it is left there,
 * and its path printed. Ends with "N passed, N failed".
 *
 *   node scripts/test-fuzz.mjs [name ...] [--seconds N]     (300 seconds each; a name picks the targets that contain it)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { canInstall, installDebian, toolPackages } from './debian.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const fuzzDir = join(root, 'native', 'fuzz');
const buildDir = join(root, 'native', 'build-fuzz');

/** A failure that the user can mend; printed without a stack. */
class SetupError extends Error {}

const succeeds = (program, args, input) =>
  spawnSync(program, args, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;

/** A clang that can link libFuzzer; installed where that asks nobody. */
async function ensureClang() {
  const names = [process.env.CXX, 'clang++', ...[22, 21, 20, 19, 18, 17, 16, 15].map((v) => `clang++-${v}`)];
  const source = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char *, unsigned long) { return 0; }';
  mkdirSync(buildDir, { recursive: true });
  const args = ['-x', 'c++', '-', '-fsanitize=fuzzer,address,undefined', '-o', join(buildDir, 'probe')];
  const find = () => names.find((name) => name !== undefined && succeeds(name, args, source));
  if (find() === undefined && canInstall()) {
    console.log(`Installing ${toolPackages.fuzz.join(' and ')} (once) …`);
    await installDebian(toolPackages.fuzz);
  }
  const found = find();
  if (found === undefined) {
    throw new SetupError(
      `No clang++ with libFuzzer was found. On Debian or Ubuntu: sudo apt-get install ${toolPackages.fuzz.join(' ')} (or clang alone ` +
        'of another version). On macOS: brew install llvm, and set CXX to its clang++; the one of Xcode has no libFuzzer.',
    );
  }
  return found;
}

function cmake(what, args) {
  const result = spawnSync('cmake', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.error !== undefined) {
    throw new SetupError('CMake was not found. On Debian or Ubuntu: sudo apt-get install cmake ninja-build.');
  }
  if (result.status !== 0) {
    throw new SetupError(`${what} failed:\n${result.stdout}${result.stderr}`);
  }
}

function build(clang) {
  const ninja = succeeds('ninja', ['--version']) && !existsSync(join(buildDir, 'Makefile'));
  cmake('Configuring the fuzz targets', [
    ...['-S', fuzzDir, '-B', buildDir, '-DCMAKE_BUILD_TYPE=RelWithDebInfo', `-DCMAKE_CXX_COMPILER=${clang}`],
    ...(ninja ? ['-G', 'Ninja'] : []),
  ]);
  cmake('Building the fuzz targets', ['--build', buildDir, '--parallel', String(availableParallelism())]);
}

/** Of a target, however little time is left. */
const leastSeconds = 10;

/** Runs one target; true when nothing was found. */
function fuzz(name, seconds) {
  const work = join(root, 'out', 'fuzz', name);
  const corpus = join(work, 'corpus');
  const seeds = join(work, 'seeds');
  for (const folder of [corpus, seeds]) {
    mkdirSync(folder, { recursive: true });
  }
  const seeder = join(buildDir, name.replace(/_fuzz$/, '_seeds'));
  if (existsSync(seeder) && spawnSync(seeder, [seeds], { stdio: 'inherit' }).status !== 0) {
    throw new SetupError(`${seeder} could not write its files to ${seeds}.`);
  }
  console.log(`${name}: ${seconds} s`);
  const result = spawnSync(
    join(buildDir, name),
    [
      ...[corpus, seeds, `-max_total_time=${seconds}`, `-artifact_prefix=${work}/`],
      // An input that takes longer than this, or more memory, is a finding too.
      ...[
        '-timeout=2',
        '-rss_limit_mb=2048',
        '-malloc_limit_mb=1024',
        '-print_final_stats=1',
        '-verbosity=1',
      ],
    ],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1', ...process.env },
    },
  );
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  if (result.status === 0) {
    const last = (pattern) => [...output.matchAll(pattern)].at(-1)?.[1] ?? '?';
    const runs = last(/^stat::number_of_executed_units:\s+(\d+)/gm);
    console.log(`    ${runs} runs, ${last(/ cov: (\d+)/g)} edges covered, nothing found`);
    return true;
  }
  console.log(output.split('\n').slice(-60).join('\n'));
  return false;
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '300' } },
    allowPositionals: true,
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new SetupError('--seconds takes a whole number from 1 on.');
  }
  const names = readdirSync(fuzzDir)
    .filter((file) => file.endsWith('_fuzz.cc'))
    .map((file) => basename(file, '.cc'))
    .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
  if (names.length === 0) {
    throw new SetupError(`No fuzz target's name contains ${positionals.join(' or ')}.`);
  }
  build(await ensureClang());
  const until = Number(process.env.NIWAKI_TESTS_UNTIL ?? Infinity); // set by test-long.mjs: milliseconds since 1970
  const each = Math.floor((until - Date.now()) / 1000 / names.length);
  const passed = names.filter((name) => fuzz(name, Math.max(leastSeconds, Math.min(seconds, each)))).length;
  console.log(`${passed} passed, ${names.length - passed} failed`);
  process.exitCode = passed === names.length ? 0 : 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SetupError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
