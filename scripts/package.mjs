#!/usr/bin/env node
/**
 * Makes niwaki-<platform>-<arch>.vsix: builds for production, packs what .vscodeignore allows, and looks into the result.
 *
 *   npm run package -- [--out FILE]
 */
import { rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ensurePackages, root, runMain, SetupError } from './setup.mjs';

const target = `${process.platform}-${process.arch}`;

/** Without these the extension does not work. */
const needed = [
  'package.json',
  'dist/extension.js',
  'dist/languageClient.js',
  'dist/modelFlows.js',
  'dist/privacyPages.js',
  'dist/server.js',
  'dist/selfTestChild.js',
  'dist/cli.js',
  'dist/syntax/tree-sitter.js',
  'dist/syntax/tree-sitter.wasm',
  'dist/syntax/tree-sitter-typescript.wasm',
  `dist/native/${target}/niwaki.node`,
  'models/nano.gguf',
  'models/nano.kvc',
  'models/calibration.txt',
  'LICENSE',
  'THIRD-PARTY-NOTICES.md',
];

/** @param {{ out?: string }} [options]  Returns the package's path. */
export async function makePackage({ out = join(root, `niwaki-${target}.vsix`) } = {}) {
  // Not imported above: on a fresh machine the packages are only there once ensurePackages has run.
  const { createVSIX, listFiles } = await import('@vscode/vsce');
  const { buildAll } = await import('./build.mjs');
  const sourceMaps = () => {
    for (const name of ['extension', 'server', 'selfTestChild', 'cli']) {
      rmSync(join(root, 'dist', `${name}.js.map`), { force: true });
    }
  };
  sourceMaps();
  await buildAll({ production: true, quiet: true });
  try {
    const files = await listFiles({ cwd: root, dependencies: false });
    const missing = needed.filter((path) => !files.includes(path));
    if (missing.length > 0) {
      throw new SetupError(`The package would lack ${missing.join(', ')}. See .vscodeignore.`);
    }
    await createVSIX({
      cwd: root,
      packagePath: out,
      target,
      dependencies: false,
      rewriteRelativeLinks: false,
    });
    return out;
  } finally {
    await buildAll({ quiet: true }); // leave a build for development behind
  }
}

if (process.argv[1]?.endsWith('package.mjs')) {
  await runMain(async () => {
    ensurePackages();
    const at = process.argv.indexOf('--out');
    const path = await makePackage(at >= 0 ? { out: process.argv[at + 1] } : {});
    console.log(`${relative(root, path)}: ${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`);
  });
}
