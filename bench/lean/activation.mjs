/**
 * Milliseconds of extension-host time that VS Code itself notes for Niwaki's activation (the page "Developer: Startup Performance"):
 * loading the bundle, activate(), and what activate() waits for. A fresh VS Code each time.
 *
 *   node bench/lean/activation.mjs OUTPUT TIMES
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeWorkspace } from '../../test/vscode/workspace.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Runs inside the extension host. */
const suite = `
const { writeFileSync } = require('node:fs');
const vscode = require('vscode');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
exports.run = async () => {
  const extension = vscode.extensions.getExtension('niwaki.niwaki');
  for (let i = 0; i < 200 && !extension.isActive; i += 1) await wait(50);
  for (let i = 0; i < 40; i += 1) {
    await vscode.commands.executeCommand('perfview.show');
    await wait(250);
    const page = vscode.workspace.textDocuments.find((document) => document.uri.scheme === 'perf');
    const row = page?.getText().split('\\n').find((line) => line.includes('niwaki.niwaki'));
    const head = page?.getText().split('\\n').find((line) => line.includes('Load Code'));
    if (row !== undefined && head !== undefined) {
      const cells = (line) => line.split('|').map((cell) => cell.trim());
      const figures = Object.fromEntries(cells(head).map((name, i) => [name, cells(row)[i]]));
      writeFileSync(process.env.NIWAKI_TEST_RESULTS, JSON.stringify({ vscode: vscode.version, figures }));
      return;
    }
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  }
  throw new Error('VS Code did not tell how long the activation took');
};
`;

function once() {
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-activation-'));
  try {
    const results = join(folder, 'results.json');
    const script = join(folder, 'suite.cjs');
    writeFileSync(script, suite);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(root, 'test', 'vscode', 'codeShim.mjs'),
        makeWorkspace(join(folder, 'workspace')),
        `--extensionDevelopmentPath=${root}`,
        `--extensionTestsPath=${script}`,
      ],
      { env: { ...process.env, NIWAKI_TEST_RESULTS: results }, encoding: 'utf8' },
    );
    if (status !== 0) {
      throw new Error(`VS Code ended with status ${status}: ${stdout}${stderr}`);
    }
    return JSON.parse(readFileSync(results, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [output, times] = process.argv.slice(2);
const runs = Array.from({ length: Number(times) }, once);
const phases = runs.map(({ figures }) => ({
  loadCode: Number(figures['Load Code']),
  callActivate: Number(figures['Call Activate']),
  finishActivate: Number(figures['Finish Activate']),
}));
const ms = phases.map((phase) => phase.loadCode + phase.callActivate + phase.finishActivate);
writeFileSync(output, JSON.stringify({ vscode: `VS Code ${runs[0].vscode}`, ms, phases }));
