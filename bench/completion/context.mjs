#!/usr/bin/env node
/**
 * Whether the embedded model completes better when it is shown other files (docs/adr/0010). The model's own way alone, at the cursors of
 * bench/completion/quality, each once without and once with the parts that the product's planner finds there: among definitions, and
 * files beside the cursor's that are taken to be open. A model that is usually shown no other files is here given a quarter of its context
 * for them.
 *
 *   node bench/completion/context.mjs [--split calibrate|test] [--count N] [--json FILE]
 *
 * N cursors of each kind and split at most, 150 when absent: about five minutes for both splits on two cores. Definitions are found by rules here (what a file
 * imports by a relative path, and the first line in it that looks like the definition of a name), where the product asks the editor.
 */
import { build } from 'esbuild';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { options as bundleOptions } from '../../scripts/build.mjs';
import { prepareOurs } from '../engine/prepare.mjs';
import { cutsOf } from './quality/cutSets.mjs';
import { exact } from './quality/metrics.mjs';
import { packageFolder } from './quality/packages.mjs';

const { values: args } = parseArgs({
  options: { split: { type: 'string' }, count: { type: 'string', default: '150' }, json: { type: 'string' } },
});

const share = 1 / 4;
const mostOpen = 8;
const entry = `
export { Completer } from './server/src/completion';
export { createNativeEngine } from './server/src/engine';
export { automaticChoice, embeddedCalibrationPath, embeddedModelPath, KvCalibrator, ModelHost } from './server/src/models';
export { ContextPlanner } from './server/src/workspace';
`;
const never = new AbortController().signal;

async function openModel() {
  const { root, addonPath, selfTestChild } = await prepareOurs();
  const { outdir, ...common } = bundleOptions({ quiet: true });
  delete common.entryPoints;
  const outfile = join(outdir, 'bench', 'context.js');
  await build({
    ...common,
    metafile: false,
    outfile,
    stdin: { contents: entry, resolveDir: root, loader: 'ts' },
  });
  const server = createRequire(outfile)(outfile);
  const log = { info: () => undefined, warn: console.error, error: console.error };
  const engine = server.createNativeEngine({ addonPath, selfTestChild });
  const calibrator = new server.KvCalibrator({
    ...{ engine, log, embeddedPath: server.embeddedCalibrationPath(root), idleMs: 0 },
    text: () => Promise.resolve(''),
    mayWork: () => Promise.resolve(false),
  });
  const host = new server.ModelHost({
    engine,
    embeddedPath: server.embeddedModelPath(root),
    log,
    calibrator,
  });
  const problem = await host.load(server.automaticChoice);
  if (problem !== '') {
    throw new Error(problem);
  }
  Object.assign(host.model.profile, { contextShare: share });
  return { root, server, engine, host };
}

const isFile = (path) => existsSync(path) && statSync(path).isFile();
const textOf = (path) => readFileSync(path, 'utf8').replace(/\r\n?/g, '\n');

/** The file that a relative import names. */
function imported(from, name) {
  const path = resolve(dirname(from), name);
  const endings = ['', '.ts', '.js', '.mjs', '/index.ts', '/index.js'];
  return [...endings.map((ending) => path + ending), path.replace(/\.js$/, '.ts')].find(isFile);
}

function definitionIn(paths, name) {
  const pattern = new RegExp(
    `(?:function\\*?|class|interface|type|enum|const|let|var|exports\\.)\\s*${name.replaceAll('$', '\\$')}\\b`,
  );
  for (const path of paths) {
    const line = textOf(path)
      .split('\n')
      .findIndex((text) => pattern.test(text));
    if (line >= 0) {
      return [{ uri: pathToFileURL(path).href, startLine: line, endLine: line + 1 }];
    }
  }
  return [];
}

/** The plan that the product would make at a cursor. */
async function planAt({ ContextPlanner }, folder, file, { text, offset, language, path }) {
  const imports = [...text.matchAll(/(?:from|require\(|import)\s*['"](\.[^'"]+)['"]/g)]
    .map(([, name]) => imported(file, name))
    .filter((found) => found !== undefined);
  const answer = ({ name, kind }) => {
    if (kind === 'name') {
      return definitionIn(imports, name);
    }
    const found = name.startsWith('.') ? imported(file, name) : undefined;
    return found === undefined ? [] : [{ uri: pathToFileURL(found).href, startLine: 0, endLine: 1 }];
  };
  const planner = new ContextPlanner({
    ask: (_, __, positions) => Promise.resolve({ places: positions.map(answer), complete: true }),
  });
  planner.configure({ enabled: true, exclude: [], folders: [pathToFileURL(folder).href] });
  const siblings = readdirSync(dirname(file))
    .filter((name) => /\.(ts|js|mjs)$/.test(name))
    .map((name) => join(dirname(file), name));
  const open = [...new Set([...imports.slice(0, 4), ...siblings])]
    .filter((other) => other !== file && isFile(other))
    .slice(0, mostOpen)
    .reverse(); // the last one is the one that was used last
  for (const other of open) {
    const shown = textOf(other);
    planner.opened({
      uri: pathToFileURL(other).href,
      languageId: language,
      version: 1,
      getText: () => shown,
    });
  }
  const uri = pathToFileURL(file).href;
  planner.opened({ uri, languageId: language, version: 1, getText: () => text });
  await planner.refresh({ uri, path, languageId: language, version: 1, text, offset }, never);
  return planner.plan(uri);
}

async function said({ server, engine, host }, uri, cut, context) {
  const completer = new server.Completer(engine, host);
  const document = { uri, path: cut.path, languageId: cut.language, version: 1, text: cut.text };
  const request = {
    document,
    offset: cut.offset,
    maxTokens: 64,
    minConfidence: 0,
    only: 'model',
    invoked: true,
  };
  try {
    const suggestion = await completer.complete({ ...request, ...(context && { context }) }, never);
    const parts = (await completer.lastPrompt())?.text.split('<|file_sep|>').length ?? 0;
    return { text: suggestion?.text ?? '', parts: Math.max(0, parts - 2) }; // the file's own is one of them
  } finally {
    await completer.forget(uri);
  }
}

function printRow(name, rows) {
  const count = (good) => rows.filter(good).length;
  const parts = rows.reduce((sum, row) => sum + row.parts, 0) / Math.max(1, rows.length);
  console.log(
    `${name.padEnd(16)} ${rows.length} cursors with parts (${parts.toFixed(1)} on average): exactly right without ` +
      `${count(({ without }) => without)}, with ${count((row) => row.with)} ` +
      `(${count((row) => row.with && !row.without)} gained, ${count((row) => !row.with && row.without)} lost)`,
  );
}

function printRows(name, rows) {
  const withParts = rows.filter(({ parts }) => parts > 0);
  for (const kind of ['rest', 'next']) {
    printRow(
      `${name} ${kind}`,
      withParts.filter((row) => row.kind === kind),
    );
  }
  console.log(`${name}: ${rows.length - withParts.length} cursors had no parts and are left out`);
}

const model = await openModel();
const rows = [];
for (const split of args.split === undefined ? ['calibrate', 'test'] : [args.split]) {
  const { cuts, missing } = cutsOf(split, Number(args.count));
  missing.forEach((sentence) => console.error(sentence));
  for (const cut of cuts.filter(({ language }) => /script$/.test(language))) {
    const file = resolve(model.root, cut.file);
    const folder =
      ['mocha', 'hono', 'zod'].map(packageFolder).find((path) => file.startsWith(path)) ?? model.root;
    const plan = await planAt(model.server, folder, file, { ...cut, path: relative(folder, file) });
    const uri = pathToFileURL(file).href;
    const without = await said(model, uri, cut);
    const shown = await said(model, uri, cut, plan);
    rows.push({
      ...{ split, kind: cut.kind, source: cut.source, id: cut.id, parts: shown.parts },
      ...{ without: exact(without.text, cut.expected), with: exact(shown.text, cut.expected) },
    });
  }
  printRows(
    split,
    rows.filter((row) => row.split === split),
  );
}
if (args.split === undefined) {
  printRows('both', rows);
}
if (args.json !== undefined) {
  writeFileSync(args.json, `${JSON.stringify(rows, null, 2)}\n`);
}
await model.engine.dispose();
