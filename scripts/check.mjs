#!/usr/bin/env node
/**
 * Types (tsc), lint (ESLint with type-checked rules and the rooms' import directions), format (prettier, and clang-format where it
 * is installed). `--fix` mends what can be mended.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from './setup.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const fix = process.argv.includes('--fix');

function node(name, script, args) {
  const result = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  console.log(`${result.status === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  return result.status === 0;
}

/** clang-format's output differs between versions; this is the one that the code is formatted with. */
const clangFormat = 'clang-format-19';

function cppFiles(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      return entry.name.startsWith('build') ? [] : cppFiles(path);
    }
    return /\.(cc|h|inl)$/.test(entry.name) && entry.name !== 'unicode_table.cc' ? [path] : [];
  });
}

function checkCpp() {
  const args = [fix ? '-i' : '--dry-run', '--Werror', ...cppFiles(join(root, 'native'))];
  const result = spawnSync(clangFormat, args, { stdio: 'inherit' });
  if (result.error !== undefined) {
    console.log(`skipped: ${clangFormat} is not installed`);
    return true;
  }
  console.log(`${result.status === 0 ? 'ok  ' : 'FAIL'} ${clangFormat}`);
  return result.status === 0;
}

ensurePackages({ quiet: true });
const results = [
  node('tsc', 'typescript/bin/tsc', ['--build']),
  node('eslint', 'eslint/bin/eslint.js', ['.', ...(fix ? ['--fix'] : [])]),
  node('prettier', 'prettier/bin/prettier.cjs', [fix ? '--write' : '--check', '--log-level', 'warn', '.']),
  checkCpp(),
];
process.exitCode = results.every(Boolean) ? 0 : 1;
