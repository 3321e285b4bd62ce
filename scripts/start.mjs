#!/usr/bin/env node
/**
 * Shows the main job: completes positions of a sample project in the terminal, poor ones shown too, then opens VS Code in the
 * browser with Niwaki in it. Sets up and builds what is missing.
 *
 *   npm start -- [--once] [--seed N] [--count N] [--model FILE] [--port N]
 *
 * --once stops after the terminal part.
 */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePackages, root, runMain, SetupError } from './setup.mjs';

const sample = join(root, 'test', 'fixtures', 'sample-project');

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        count: { type: 'string', default: '8' },
        model: { type: 'string' },
        port: { type: 'string', default: '0' },
      },
    });
    const number = (name, least) => {
      const value = Number(values[name]);
      if (!Number.isInteger(value) || value < least) {
        throw new SetupError(`--${name} takes a whole number of at least ${least}, not "${values[name]}".`);
      }
      return value;
    };
    return { ...values, seed: number('seed', 0), count: number('count', 1), port: number('port', 0) };
  } catch (error) {
    throw error instanceof SetupError ? error : new SetupError(error.message);
  }
}

async function openVsCode(port) {
  const { startVsCode, workbenchUrl } = await import('./vscode/server.mjs');
  // A copy, so that trying things out leaves the repository as it is.
  const workspace = join(root, '.vscode-test', 'sample-project');
  if (!existsSync(workspace)) {
    mkdirSync(workspace, { recursive: true });
    cpSync(sample, workspace, { recursive: true });
  }
  console.log('\nStarting VS Code (the first time it is fetched from npm, which takes a minute)…');
  const server = await startVsCode({ workspace, port });
  const url = workbenchUrl({
    port: server.port,
    token: server.token,
    folder: workspace,
    extensionDevelopmentPath: root,
  });
  console.log(`\nVS Code with Niwaki in it, on a copy of the sample project:\n\n  ${url}\n`);
  console.log('Open src/inventory.ts and type. Ctrl+C ends it.');
  await new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await server.stop();
}

await runMain(async () => {
  const options = readArguments();
  ensurePackages();
  const { buildAll } = await import('./build.mjs');
  console.log('Building what is missing (the first time the engine is compiled, which takes a minute)…');
  await buildAll({ quiet: true });
  console.log('');
  const { demonstrate } = await import('./demo.mjs');
  const { seed, count, model = '' } = options;
  await demonstrate({ workspace: sample, seed, count, model });
  if (!options.once) {
    await openVsCode(options.port);
  }
});
