/** The program that measures (native/bench/kv): built where it is missing, run, its answer read. */
import { spawn } from 'node:child_process';
import { buildBench } from '../../scripts/native-tests.mjs';
import { root } from '../../scripts/setup.mjs';

export function buildProgram() {
  return buildBench('build-bench', 'kv_bench');
}

/**
 * Runs a part and resolves with its answer.
 * @param {string} program
 * @param {string} part
 * @param {Record<string, string | number>} options
 */
export function runProgram(program, part, options, env = {}) {
  const args = [part, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve(JSON.parse(out));
      } else {
        reject(
          new Error(`kv_bench ${part}: ${err.trim().split('\n').at(-1) || `ended (${signal ?? code})`}`),
        );
      }
    });
  });
}
