#!/usr/bin/env node
/**
 * Builds what VS Code loads: dist/extension.js, dist/languageClient.js, dist/modelFlows.js, dist/privacyPages.js, dist/chatView.js, dist/editView.js, dist/newFiles.js, dist/nextEditView.js, dist/server.js, dist/selfTestChild.js, dist/maskWorker.js and dist/cli.js (bundles), and the native
 * addon; dist/chat gets what the chat's page loads, and dist/syntax the parser and its grammars, as their package has them. Type errors are not looked for here ("npm run check" does).
 *
 *   node scripts/build.mjs [--no-native] [--production] [--watch] [--quiet]
 *
 * dist/meta.json lists every file in every bundle; a test reads it to show that none of them opens network connections.
 */
import { build, context } from 'esbuild';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildNative } from './build-native.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

/**
 * The language client is a bundle of its own, which extension.js loads when a server is needed: with it the file that VS Code reads
 * while it starts would be ten times as large. What few people do once (importing models, reading the privacy report) is, too, and what the chat, edits, new files and what is offered next need.
 */
const loadedLater = {
  name: 'loaded later',
  setup(build) {
    build.onResolve(
      {
        filter: /^\.{1,2}\/(languageClient|modelFlows|privacyPages|chatView|editView|newFiles|nextEditView)$/,
      },
      ({ kind, path }) =>
        kind === 'dynamic-import' ? { path: `./${path.split('/').at(-1)}.js`, external: true } : undefined,
    );
  },
};

/** Every bundle is one file, so that nothing but dist/, models/ and media/ need be shipped. */
export function options({ production, quiet, outdir = dist }) {
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    minify: production,
    sourcemap: !production,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: quiet ? 'error' : 'warning',
    metafile: true,
    outdir,
    plugins: [loadedLater],
    // VS Code provides the module 'vscode' to require() alone.
    supported: { 'dynamic-import': false },
    entryPoints: [
      { in: 'client/src/extension.ts', out: 'extension' },
      { in: 'client/src/languageClient.ts', out: 'languageClient' },
      { in: 'client/src/modelFlows.ts', out: 'modelFlows' },
      { in: 'client/src/privacyPages.ts', out: 'privacyPages' },
      { in: 'client/src/features/chat/chatView.ts', out: 'chatView' },
      { in: 'client/src/features/edit/editView.ts', out: 'editView' },
      { in: 'client/src/features/files/newFiles.ts', out: 'newFiles' },
      { in: 'client/src/features/nextEdit/nextEditView.ts', out: 'nextEditView' },
      { in: 'server/src/main.ts', out: 'server' },
      { in: 'server/src/engine/selfTestChild.ts', out: 'selfTestChild' },
      { in: 'server/src/engine/guide/worker.ts', out: 'maskWorker' },
    ],
  };
}

function cliOptions(flags) {
  const common = options(flags);
  return {
    ...common,
    entryPoints: [{ in: 'server/src/cli/main.ts', out: 'cli' }],
    banner: { js: '#!/usr/bin/env node' },
  };
}

/** The chat's page: one script, one style sheet and a font, for the browser that VS Code shows them in. */
function pageOptions(flags) {
  const { absWorkingDir, bundle, minify, sourcesContent, legalComments, logLevel, metafile } = options(flags);
  return {
    ...{ absWorkingDir, bundle, minify, sourcesContent, legalComments, logLevel, metafile },
    platform: 'browser',
    format: 'iife',
    target: 'chrome128',
    outdir: join(flags.outdir ?? dist, 'chat'),
    loader: { '.ttf': 'file' },
    assetNames: '[name]',
    entryPoints: [
      { in: 'media/chat/main.ts', out: 'page' },
      { in: 'media/chat/style.css', out: 'page' },
    ],
  };
}

/** Names in tree-sitter-NAME.wasm: those that server/src/syntax/languages.ts names, and no others of the package. */
const grammars = [
  ...['bash', 'c-sharp', 'cpp', 'css', 'go', 'java', 'javascript'],
  ...['php', 'python', 'ruby', 'rust', 'tsx', 'typescript'],
];

/** Copies what is not there yet, or not the same. */
function copySyntax(outdir) {
  const from = join(root, 'node_modules', '@vscode', 'tree-sitter-wasm', 'wasm');
  const to = join(outdir, 'syntax');
  mkdirSync(to, { recursive: true });
  const names = ['tree-sitter.js', 'tree-sitter.wasm', ...grammars.map((name) => `tree-sitter-${name}.wasm`)];
  for (const name of readdirSync(to).filter((name) => !names.includes(name))) {
    rmSync(join(to, name));
  }
  for (const name of names) {
    const [source, target] = [join(from, name), join(to, name)];
    const there = statSync(target, { throwIfNoEntry: false });
    const wanted = statSync(source);
    if (there?.size !== wanted.size || there.mtimeMs < wanted.mtimeMs) {
      copyFileSync(source, target);
      chmodSync(target, 0o644);
    }
  }
}

/**
 * Builds the bundles and what lies beside them in a folder; returns esbuild's description of them.
 * @param {{ production?: boolean, quiet?: boolean, outdir?: string }} [flags]
 */
export async function buildBundles({ production = false, quiet = false, outdir = dist } = {}) {
  mkdirSync(outdir, { recursive: true });
  const flags = { production, quiet, outdir };
  const results = await Promise.all(
    [options, cliOptions, pageOptions].map((settings) => build(settings(flags))),
  );
  const meta = { inputs: {}, outputs: {} };
  for (const { metafile } of results) {
    Object.assign(meta.inputs, metafile.inputs);
    Object.assign(meta.outputs, metafile.outputs);
  }
  chmodSync(join(outdir, 'cli.js'), 0o755);
  copySyntax(outdir);
  return meta;
}

/**
 * Builds for development, in dist/.
 * @param {{ native?: boolean, production?: boolean, quiet?: boolean }} [flags]
 */
export async function buildAll({ native = true, production = false, quiet = false } = {}) {
  const meta = await buildBundles({ production, quiet });
  writeFileSync(join(dist, 'meta.json'), JSON.stringify(meta));
  if (native) {
    buildNative({ quiet });
  }
}

async function watch() {
  for (const settings of [options({}), cliOptions({}), pageOptions({})]) {
    const watcher = await context({ ...settings, logLevel: 'info' });
    await watcher.watch();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const args = process.argv.slice(2);
  try {
    await buildAll({
      native: !args.includes('--no-native'),
      production: args.includes('--production'),
      quiet: args.includes('--quiet'),
    });
    if (args.includes('--watch')) {
      await watch();
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
