#!/usr/bin/env node
/**
 * Writes models/nano.kvc, the embedded model's KV calibration: what "niwaki kv-calibrate --careful" makes of models/nano.gguf and the
 * text that ships with Niwaki. Takes half a minute. To be run again after either has changed; test/native/embeddedCalibration.test.ts notices.
 *
 *   npm run build && node scripts/make-nano-calibration.mjs
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, runMain, SetupError } from './setup.mjs';

await runMain(() => {
  const models = join(root, 'models');
  const out = join(models, 'nano.kvc');
  const args = ['kv-calibrate', join(models, 'nano.gguf'), '--careful', '--out', out];
  const { status } = spawnSync(process.execPath, [join(root, 'dist', 'cli.js'), ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) {
    throw new SetupError('The calibration could not be made. Run "npm run build" first.');
  }
});
