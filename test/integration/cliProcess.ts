/** Runs the built dist/cli.js in a process of its own. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './lspClient';

export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export function niwaki(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string>; timeoutMs?: number } = {},
): Outcome {
  const result = spawnSync(process.execPath, [join(root, 'dist', 'cli.js'), ...args], {
    encoding: 'utf8',
    timeout: options.timeoutMs ?? 30_000,
    input: options.input ?? '',
    env: { ...process.env, ...options.env },
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}
