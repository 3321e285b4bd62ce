#!/usr/bin/env node
/**
 * What Niwaki costs while it does nothing: processor time, memory, time to start.
 *
 *   node bench/lean.mjs [--quick] [--json FILE]
 *
 * The server is the built one, spoken to over LSP as an editor does; figures of the process come from /proc (Linux). Activation is
 * measured in a real VS Code. It does its own set-up.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePackages, root, runMain, SetupError } from '../scripts/setup.mjs';
import { printRows } from './support/table.mjs';

const { values: args } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
});

/** Runs a script that writes JSON to the file that is its first argument. */
function measured(script, ...more) {
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-lean-'));
  try {
    const output = join(folder, 'result.json');
    const command = ['--import', 'tsx', join(root, script), output, ...more];
    const { status } = spawnSync(process.execPath, command, {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) {
      throw new Error(`${script} ended with status ${status}.`);
    }
    return JSON.parse(readFileSync(output, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await runMain(async () => {
  if (process.platform !== 'linux') {
    throw new SetupError('This benchmark reads /proc: it runs on Linux only.');
  }
  ensurePackages({ quiet: true });
  const { buildAll } = await import('../scripts/build.mjs');
  await buildAll({ quiet: true });
  const { synthesise } = await import('./support/synthetic.mjs');
  const lean = measured('bench/lean/measure.mjs', args.quick ? '5' : '60', synthesise('qwen3-1.7B'));
  const activation = measured('bench/lean/activation.mjs', args.quick ? '3' : '7');

  printRows([
    ['model', 'load ms', 'weights MB', 'KV MB', 'scratch MB', 'process MB', 'process MB after unloading'],
    ...lean.models.map((m) => [
      m.model,
      ...[m.loadMs.toFixed(0), m.weights, m.kv, m.scratch, m.loaded, m.unloaded].map(String),
    ]),
  ]);
  const [, first] = lean.switches;
  const last = lean.switches.at(-1);
  const growth = (last / first - 1) * 100;
  console.log('');
  console.log(
    `Server process before a model is needed: ${lean.atRest} MB, ${lean.startMs.toFixed(0)} ms to start.`,
  );
  console.log(`Process with the 1.7B shape after each of ten switches, MB: ${lean.switches.join(', ')}.`);
  console.log(
    `Idle for ${lean.idleSeconds} s: ${lean.idleCpuPercent} % of a core, ${lean.idleWakeUps} wake-ups ` +
      `(before that V8 tidied its heap once: ${lean.settlingMs} ms).`,
  );
  console.log(
    `Activation in ${activation.vscode}: ${activation.ms.map((ms) => ms.toFixed(1)).join(', ')} ms of extension-host time.`,
  );
  const median = [...activation.ms].sort((a, b) => a - b)[activation.ms.length >> 1];
  const bars = [
    { id: 'activation-ms', value: median, unit: 'ms', bar: '<= 50', holds: median <= 50 },
    {
      id: 'idle-cpu',
      value: lean.idleCpuPercent,
      unit: '% of a core',
      bar: '= 0',
      holds: lean.idleCpuPercent === 0,
    },
    {
      id: 'idle-wake-ups',
      value: lean.idleWakeUps,
      unit: 'wake-ups',
      bar: '= 0',
      holds: lean.idleWakeUps === 0,
    },
    {
      id: 'memory-after-ten-switches',
      value: growth,
      unit: '% more than after the first',
      bar: 'within 2',
      holds: Math.abs(growth) <= 2,
    },
  ];
  console.log('');
  for (const { id, value, unit, bar, holds } of bars) {
    console.log(`${holds ? 'holds' : 'DOES NOT HOLD'}: ${id} ${value.toFixed(1)} ${unit} (bar: ${bar})`);
  }
  if (args.json !== undefined) {
    const report = { date: new Date().toISOString(), cpu: cpus()[0]?.model, lean, activation, bars };
    writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`);
  }
});
