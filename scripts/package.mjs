#!/usr/bin/env node
/**
 * Makes niwaki-<platform>-<arch>.vsix: builds for production in a folder of its own (out/package), packs what .vscodeignore allows, and
 * looks into the result. Two runs over the same sources give the same bytes (docs/adr/0013-releases-for-linux.md).
 *
 *   npm run package -- [--target linux-x64|linux-arm64|darwin-x64|darwin-arm64|win32-x64] [--out FILE]
 *
 * Without --target, for this machine. Releases for Linux are compiled in a Debian 11 (package/bullseye.mjs), others on their own system.
 * SOURCE_DATE_EPOCH: the time that everything in the package has; left out, the last commit's.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePackages, root, runMain, SetupError } from './setup.mjs';

/** Above this a package is refused. */
export const largestBytes = 25 * 2 ** 20;

/** Without these the extension does not work. */
const needed = (target) => [
  'package.json',
  'dist/extension.js',
  'dist/languageClient.js',
  'dist/modelFlows.js',
  'dist/privacyPages.js',
  'dist/chatView.js',
  'dist/editView.js',
  'dist/newFiles.js',
  'dist/nextEditView.js',
  'dist/chat/page.js',
  'dist/chat/page.css',
  'dist/chat/codicon.ttf',
  'dist/server.js',
  'dist/selfTestChild.js',
  'dist/maskWorker.js',
  'dist/cli.js',
  'dist/syntax/tree-sitter.js',
  'dist/syntax/tree-sitter.wasm',
  'dist/syntax/tree-sitter-typescript.wasm',
  `dist/native/${target}/niwaki.node`,
  `dist/native/${target}/guard.node`,
  'models/nano.gguf',
  'models/nano.kvc',
  'models/calibration.txt',
  'LICENSE',
  'THIRD-PARTY-NOTICES.md',
  'sbom.cdx.json',
];

/** The sources' time in seconds. */
export function sourceEpoch() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) {
    if (!/^\d+$/.test(given)) {
      throw new SetupError('SOURCE_DATE_EPOCH is a number of seconds since 1970.');
    }
    return Number(given);
  }
  const log = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  if (log.status !== 0) {
    throw new SetupError(
      'A package has the time of the last commit, and git does not know it here. Set SOURCE_DATE_EPOCH.',
    );
  }
  return Number(log.stdout);
}

/** Puts everything that is packed into `stage`; returns the files' names. */
async function fillStage(stage, target, epoch, quiet) {
  // Not imported above: on a fresh machine the packages are only there once ensurePackages has run.
  const { listFiles } = await import('@vscode/vsce');
  const { buildBundles } = await import('./build.mjs');
  const { notices } = await import('./notices.mjs');
  const { buildReleaseAddons, readLinkMaps } = await import('./package/addon.mjs');
  const { putFile, startStage } = await import('./package/stage.mjs');
  const { staticLibraries, staticNotices } = await import('./package/staticLibraries.mjs');
  const { makeSbom } = await import('./package/sbom.mjs');
  startStage(stage);
  const meta = await buildBundles({ production: true, quiet: true, outdir: join(stage, 'dist') });
  await buildReleaseAddons(target, join(stage, 'dist', 'native', target), { quiet });
  const libraries = target.startsWith('linux-')
    ? staticLibraries(readLinkMaps(target), target.slice('linux-'.length))
    : [];
  const own = libraries.length > 0 ? `\n${staticNotices(libraries)}` : '';
  putFile(stage, 'THIRD-PARTY-NOTICES.md', notices(meta) + own);
  const list = () => listFiles({ cwd: stage, dependencies: false });
  for (const file of await list()) {
    chmodSync(join(stage, file), file === 'dist/cli.js' ? 0o755 : 0o644);
  }
  putFile(stage, 'sbom.cdx.json', makeSbom({ stage, files: await list(), target, meta, libraries, epoch }));
  return list();
}

/**
 * @param {{ target?: string, out?: string, quiet?: boolean }} [options]
 * @returns {Promise<string>} the package's path
 */
export async function makePackage({
  target = `${process.platform}-${process.arch}`,
  out,
  quiet = false,
} = {}) {
  const { targets } = await import('./package/addon.mjs');
  if (!targets.includes(target)) {
    throw new SetupError(`There are no packages for ${target}. Targets: ${targets.join(', ')}.`);
  }
  const packagePath = out === undefined ? join(root, `niwaki-${target}.vsix`) : resolve(out);
  const stage = join(root, 'out', 'package', target);
  const epoch = sourceEpoch();
  const files = await fillStage(stage, target, epoch, quiet);
  const missing = needed(target).filter((path) => !files.includes(path));
  if (missing.length > 0) {
    throw new SetupError(`The package would lack ${missing.join(', ')}. See .vscodeignore.`);
  }
  const { createVSIX } = await import('@vscode/vsce');
  mkdirSync(dirname(packagePath), { recursive: true });
  // Both are read while the archive is written: the times in it, which have no zone.
  process.env.SOURCE_DATE_EPOCH = String(epoch);
  process.env.TZ = 'UTC';
  await createVSIX({ cwd: stage, packagePath, target, dependencies: false, rewriteRelativeLinks: false });
  const { size } = statSync(packagePath);
  if (size > largestBytes) {
    rmSync(packagePath);
    throw new SetupError(`The package would have ${size} bytes, and ${largestBytes} are the most.`);
  }
  return packagePath;
}

if (process.argv[1]?.endsWith('package.mjs')) {
  await runMain(async () => {
    const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
    ensurePackages();
    const path = await makePackage(values);
    console.log(`${relative(process.cwd(), path)}: ${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`);
  });
}
