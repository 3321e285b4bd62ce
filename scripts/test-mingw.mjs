#!/usr/bin/env node
/**
 * Compiles and links the engine, its addon and its C++ tests for 64-bit Windows with mingw-w64, to find what would not build there.
 * Nothing of it is run, or shipped: releases for Windows are made there (.github/workflows/package.yml). Needs Linux with mingw-w64's
 * C++ compiler of the "posix" kind, installed where that asks nobody. Ends with "N passed, N failed": one case a program.
 *
 *   node scripts/test-mingw.mjs
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { canInstall, installDebian, toolPackages } from './debian.mjs';
import { buildTests, testNames, works } from './native-tests.mjs';
import { addons } from './package/addon.mjs';
import { ensurePackages, root, runMain, SetupError } from './setup.mjs';

const compiler = 'x86_64-w64-mingw32-g++-posix';
const folder = 'build-mingw';

function run(program, args) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) {
    throw new SetupError(
      `${program} failed: ${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`,
    );
  }
  return result.stdout;
}

async function ensureCompiler() {
  if (process.platform !== 'linux') {
    throw new SetupError('The build for Windows with mingw-w64 is made on Linux only.');
  }
  if (!works(compiler) && canInstall()) {
    console.log(`Installing ${toolPackages.mingw.join(' ')} (once) …`);
    await installDebian(toolPackages.mingw);
  }
  if (!works(compiler)) {
    throw new SetupError(
      `${compiler} is needed. On Debian or Ubuntu: sudo apt-get install ${toolPackages.mingw.join(' ')}`,
    );
  }
}

/** The import library of the functions that node.exe has for addons. Returns its path. */
function importLibrary(headers) {
  const path = join(root, 'native', folder, 'libnode.a');
  mkdirSync(dirname(path), { recursive: true });
  const names = ['js_native_api.def', 'node_api.def'].flatMap((name) =>
    readFileSync(join(headers, 'def', name), 'utf8')
      .split('\n')
      .slice(2),
  );
  const definitions = join(dirname(path), 'node.def');
  writeFileSync(definitions, `NAME NODE.EXE\nEXPORTS\n${[...new Set(names)].join('\n')}\n`);
  run('x86_64-w64-mingw32-dlltool', ['--input-def', definitions, '--output-lib', path]);
  return path;
}

/** Libraries that Windows and Node have. */
const provided = /^(KERNEL32|ADVAPI32|msvcrt|NODE|USER32|SHELL32|ntdll|api-ms-win-[\w-]+)\.(dll|exe)$/i;

/** What is wrong with the addon; an empty list when nothing is. */
function addonFaults(path) {
  const text = run('x86_64-w64-mingw32-objdump', ['-p', path]);
  const imported = [...text.matchAll(/DLL Name: (\S+)/g)].map(([, name]) => name);
  const faults = imported.filter((name) => !provided.test(name)).map((name) => `it needs ${name}`);
  if (!imported.some((name) => /^node\.exe$/i.test(name))) {
    faults.push('it takes nothing from node.exe');
  }
  if (!/\bnapi_register_module_v1\b/.test(text)) {
    faults.push('it does not show napi_register_module_v1');
  }
  return faults;
}

await runMain(async () => {
  ensurePackages();
  await ensureCompiler();
  const require = createRequire(import.meta.url);
  const packageDir = (name) => dirname(require.resolve(`${name}/package.json`));
  const headers = packageDir('node-api-headers');
  const buildDir = buildTests(folder, [
    `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'native', 'cmake', 'x86_64-w64-mingw32.cmake')}`,
    '-DNIWAKI_LINK_ONLY=ON',
    `-DCMAKE_JS_INC=${join(headers, 'include')};${packageDir('node-addon-api')}`,
    `-DCMAKE_JS_LIB=${importLibrary(headers)}`,
  ]);
  let [passed, failed] = [0, 0];
  const count = (name, faults) => {
    console.log(`${name}: ${faults.length === 0 ? 'links' : faults.join(', ')}`);
    if (faults.length === 0) {
      passed += 1;
    } else {
      failed += 1;
    }
  };
  for (const name of addons) {
    count(name, addonFaults(join(buildDir, 'addon', name)));
  }
  for (const name of testNames('arm64')) {
    // "arm64": without the tests of kernels for x86, which CMake leaves to the systems that run them.
    const path = join(buildDir, `${name}.exe`);
    count(name, existsSync(path) ? [] : ['it was not built']);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
});
