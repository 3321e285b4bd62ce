/**
 * Time of the extension host's thread that a keystroke costs, in a real VS Code: keys are typed into a file with Niwaki on while the
 * host's CPU profile is taken, and what counts is every sample whose stack goes through Niwaki's bundles, with all that they call
 * (conversion to LSP, JSON, the channel). VS Code's own work, which it does with any extension, is not in it; nor is the server, which
 * is a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeWorkspace } from '../../../test/vscode/workspace.mjs';
import { mean, percentile } from './latency.mjs';

/** Runs inside the extension host: types the file's text, notes when, and hands out the profile. */
const suite = `
const { readFileSync, writeFileSync } = require('node:fs');
const { Session } = require('node:inspector/promises');
const vscode = require('vscode');
const { text, typed, gapMs } = JSON.parse(readFileSync(process.env.NIWAKI_HOST_TIME_TASK, 'utf8'));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => Number(process.hrtime.bigint() / 1000n);

async function requests(api) {
  return (await api.diagnostics()).status?.counters.requests ?? 0;
}

exports.run = async () => {
  const folder = vscode.workspace.workspaceFolders[0].uri;
  const uri = vscode.Uri.joinPath(folder, 'measured.ts');
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
  const place = editor.document.positionAt(Math.floor(text.lastIndexOf('\\n', text.length / 2)));
  editor.selection = new vscode.Selection(place, place);
  const api = await vscode.extensions.getExtension('niwaki.niwaki').activate();
  // VS Code makes the part of a new editor that asks for ghost text when it finds time.
  for (let i = 0; i < 300 && (await requests(api)) === 0; i += 1) {
    await vscode.commands.executeCommand('type', { text: i === 0 ? '\\n' : 'x' });
    await wait(100);
  }
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 100 });
  const before = await requests(api);
  await session.post('Profiler.start');
  const began = now();
  const keys = [];
  for (const key of typed) {
    keys.push(now() - began);
    await vscode.commands.executeCommand('type', { text: key });
    await wait(gapMs);
  }
  const ended = now() - began;
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const asked = (await requests(api)) - before;
  writeFileSync(
    process.env.NIWAKI_TEST_RESULTS,
    JSON.stringify({ vscode: vscode.version, keys, ended, asked, profile }),
  );
};
`;

/** A bundle of ours below `root`: other extensions have a dist/extension.js, too. */
const isOurs = (url, root) =>
  ['extension.js', 'languageClient.js'].some((name) => url.endsWith(join(root, 'dist', name)));

/** Ids of the profile's nodes that are below a function of ours, itself included. */
export function nodesOfOurs(nodes, root) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Set();
  const visit = (node, inside) => {
    const here = inside || isOurs(node.callFrame.url, root);
    if (here) {
      found.add(node.id);
    }
    for (const id of node.children ?? []) {
      visit(byId.get(id), here);
    }
  };
  visit(nodes[0], false);
  return found;
}

/**
 * Milliseconds in our code from each key to the next.
 * @param {{ profile: { nodes: object[], startTime: number, samples: number[], timeDeltas: number[] }, keys: number[], ended: number }} taken
 *   microseconds; `keys` and `ended` since the profile's start
 * @param {string} root of the extension under test
 */
export function timePerKey({ profile, keys, ended }, root) {
  const inside = nodesOfOurs(profile.nodes, root);
  const spent = keys.map(() => 0);
  let at = 0;
  let key = -1;
  profile.samples.forEach((sample, i) => {
    // A sample stands for the time until the next one.
    at += profile.timeDeltas[i];
    while (key + 1 < keys.length && keys[key + 1] <= at) {
      key += 1;
    }
    if (key >= 0 && at < ended && inside.has(sample)) {
      spent[key] += (profile.timeDeltas[i + 1] ?? 0) / 1000;
    }
  });
  return spent;
}

/** @param {{ root: string, text: string, typed: string, gapMs?: number }} options */
export function measureHostTime({ root, text, typed, gapMs = 110 }) {
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-host-time-'));
  try {
    const [results, script, task] = ['results.json', 'suite.cjs', 'task.json'].map((name) =>
      join(folder, name),
    );
    writeFileSync(script, suite);
    writeFileSync(task, JSON.stringify({ text, typed, gapMs }));
    const workspace = makeWorkspace(join(folder, 'workspace'));
    const shim = join(root, 'test', 'vscode', 'codeShim.mjs');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [shim, workspace, `--extensionDevelopmentPath=${root}`, `--extensionTestsPath=${script}`],
      {
        env: { ...process.env, NIWAKI_TEST_RESULTS: results, NIWAKI_HOST_TIME_TASK: task },
        encoding: 'utf8',
      },
    );
    if (status !== 0) {
      throw new Error(`VS Code ended with status ${status}: ${stdout}${stderr}`.slice(0, 500));
    }
    const taken = JSON.parse(readFileSync(results, 'utf8'));
    const spent = timePerKey(taken, root);
    return {
      ...{ vscode: taken.vscode, keys: spent.length, asked: taken.asked },
      ...{
        mean: mean(spent),
        p50: percentile(spent, 0.5),
        p95: percentile(spent, 0.95),
        worst: Math.max(...spent),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
