#!/usr/bin/env node
/**
 * The engine on 64-bit ARM: cross-compiles the C++ tests that depend on the processor and runs them under qemu's emulation, first of
 * a processor with everything that qemu knows, then of a Cortex-A53, which has nothing beyond ARMv8.0: an instruction that it lacks
 * ends the program. Needs Linux with a cross compiler and qemu's user emulation, installed where that asks nobody. Ends with
 * "N passed, N failed". Timings mean nothing under emulation.
 *
 *   node scripts/test-arm.mjs [name ...]     (a name picks the tests that contain it, of all that there are)
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { canInstall, installDebian, toolPackages } from './debian.mjs';
import { buildTests, runTests, testNames, works } from './native-tests.mjs';
import { root, runMain, SetupError } from './setup.mjs';

const timeoutMs = 600_000;

/** All that lies in a kernel table, and dispatch. */
const kernelTests = [
  'attention_test',
  'codes_test',
  'coded_cache_test',
  'dispatch_test',
  'f16_test',
  'kernels_test',
  'matrix_products_test',
  'q1_0_test',
  'q8_0_test',
  'vector_ops_test',
];
/** What is built on the tables, and what the memory model matters to. */
const engineTests = [
  'engine_golden_test',
  'load_test',
  'rope_test',
  'session_decode_test',
  'shift_test',
  'tensor_types_test',
  'thread_pool_test',
];

const compiler = 'aarch64-linux-gnu-g++';

function findEmulator() {
  return ['qemu-aarch64-static', 'qemu-aarch64'].find(works);
}

/** The emulator's name; installs it and the compiler where nobody has to be asked. */
async function ensureTools() {
  if (process.platform !== 'linux') {
    throw new SetupError('The ARM tests are cross-compiled and emulated on Linux only.');
  }
  const missing = () => !works(compiler) || findEmulator() === undefined;
  if (missing() && canInstall()) {
    console.log(`Installing ${toolPackages.arm.join(' and ')} (once) …`);
    await installDebian(toolPackages.arm);
  }
  if (missing()) {
    throw new SetupError(
      `${compiler} and qemu-aarch64 are needed. On Debian or Ubuntu: sudo apt-get install ${toolPackages.arm.join(' ')}`,
    );
  }
  return findEmulator();
}

async function main(wanted) {
  const all = testNames('arm64');
  const pick = (names) =>
    wanted.length === 0 ? names : all.filter((name) => wanted.some((part) => name.includes(part)));
  const runs = [
    { cpu: 'max', names: pick([...kernelTests, ...engineTests].sort()) },
    // Not the cache that is built on the tables: under emulation it takes as long as all that it is built on.
    { cpu: 'cortex-a53', names: pick(kernelTests.filter((name) => name !== 'coded_cache_test')) },
  ];
  const unknown = runs[0].names.filter((name) => !all.includes(name));
  if (runs[0].names.length === 0 || unknown.length > 0) {
    throw new SetupError(`There is no test ${[...wanted, ...unknown].join(' or ')}.`);
  }
  const emulator = await ensureTools();
  const toolchain = join(root, 'native', 'cmake', 'aarch64-linux-gnu.cmake');
  const buildDir = buildTests('build-arm', [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`], runs[0].names);
  const total = { passed: 0, failed: 0 };
  for (const { cpu, names } of runs) {
    console.log(`--- ${cpu}`);
    const counted = await runTests(buildDir, names, {
      timeoutMs,
      emulator: [emulator, '-cpu', cpu],
      lanes: availableParallelism(),
    });
    total.passed += counted.passed;
    total.failed += counted.failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await runMain(() => main(process.argv.slice(2)));
