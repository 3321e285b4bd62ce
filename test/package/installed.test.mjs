/**
 * A package in a VS Code that has never seen the source, in a network that has nothing but loopback, with no compiler to be found: once on
 * this system and once in a Debian 11. scripts/test-package.mjs runs this without a network.
 */
/* global describe, it */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { bullseyeCommand, bullseyePath } from '../../scripts/package/bullseye.mjs';
import { root } from '../../scripts/setup.mjs';
import { readProcess, Ui, until } from '../vscode/ui/support.mjs';
import { countingFile } from '../vscode/workspace.mjs';
import { packagePath, run } from './packages.mjs';

const limitMs = 5_000;
const target = `linux-${process.arch}`;
const stackDir = join(root, '.vscode-test', 'stack');

/** The only programs that VS Code finds. */
const programs = ['sh', 'bash', 'cat', 'ls', 'ps', 'uname', 'which'];
const hidden = ['client', 'server', 'protocol', 'native', 'dist', 'node_modules', 'models', 'out', 'test'];

const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** On this system: an empty folder lies over each of ours that there is, and PATH leads to few programs. */
function hideSource(command, { temporary }) {
  const bin = join(temporary, 'bin');
  if (!existsSync(bin)) {
    mkdirSync(bin);
    for (const name of programs) {
      symlinkSync(run('/bin/sh', ['-c', `command -v ${name}`]).trim(), join(bin, name));
    }
  }
  const there = hidden.filter((name) => existsSync(join(root, name)));
  const mounts = there.map((name) => `mount -t tmpfs tmpfs ${quote(join(root, name))}`);
  const script = ['set -e', ...mounts, `PATH=${quote(bin)} exec "$@"`].join('\n');
  return ['unshare', '--mount', '--', '/bin/sh', '-c', script, 'sh', ...command];
}

/** In Debian 11: of this system it sees VS Code and the folder that is opened. */
function inBullseye(command, { temporary, workspace }) {
  const binds = [
    { from: stackDir, to: stackDir },
    { from: temporary, to: temporary, writable: true },
    { from: workspace, to: workspace, writable: true },
  ];
  const script = `PATH=/var/empty exec ${command.map(quote).join(' ')}`;
  return bullseyeCommand(script, { binds, devices: true, network: true });
}

/**
 * Looks at one file, opens another, types as a user does, and gives back the time from the first key to ghost text. An editor that is
 * new may miss a key's answer; then the user goes on typing.
 */
async function firstGhostText(ui) {
  await ui.open('README.md');
  await ui.open(countingFile);
  const started = Date.now();
  await until(
    'ghost text',
    async () => {
      await ui.type('con');
      const shown = await ui.ghostText.waitFor({ timeout: 1_000 }).then(
        () => true,
        () => false,
      );
      if (!shown) {
        await ui.page.keyboard.press('Control+Z');
      }
      return shown;
    },
    60_000,
  );
  return Date.now() - started;
}

async function tryPackage(name, installed) {
  let ui;
  try {
    ui = await Ui.start({ installed: { packages: [packagePath(target)], ...installed } });
    const ms = await firstGhostText(ui);
    console.log(`      ghost text ${ms} ms after the first key`);
    assert.match(await ui.suggestion(), /^sole\.log\('\w+'\);?$/);
    await ui.screenshot(name);
    await ui.page.keyboard.press('Tab');
    assert.match((await ui.save(countingFile)).split('\n').at(-1), /^console\.log\('\w+'\);?$/);
    // It is the package's server, with the package's addon, that answered.
    const [server] = serversOf(ui);
    assert.ok(server.maps.includes('/extensions/niwaki.niwaki-'), 'the addon of the installed package');
    assert.ok(!server.maps.includes(join(root, 'dist')), 'nothing of the build in dist/');
    assert.deepEqual([...ui.workbench.outside], []);
    assert.ok(ms <= limitMs, `${ms} ms`);
    return server;
  } catch (error) {
    await ui?.screenshot(`failure-${name}`);
    throw error;
  } finally {
    await ui?.stop();
  }
}

/** The language servers' processes: their command line and what they have mapped. */
function serversOf(ui) {
  const found = ui
    .processes('/dist/server.js')
    .map((pid) => ({
      command: readProcess(pid)?.command ?? '',
      maps: readFileSync(`/proc/${pid}/maps`, 'utf8'),
    }))
    .filter(({ command }) => /\/extensions\/niwaki\.niwaki-[^ ]*\/dist\/server\.js/.test(command));
  assert.ok(found.length > 0, 'a language server of the installed package runs');
  return found;
}

describe('a package, installed', function () {
  this.timeout(240_000);

  it('has no network here but loopback', () => {
    assert.deepEqual(Object.keys(networkInterfaces()), ['lo']);
  });

  it('shows ghost text within 5 s of the first key, without source, compiler and network', async () => {
    await tryPackage('installed', { wrap: hideSource });
  });

  it('does so in a Debian 11 too', async () => {
    assert.match(readFileSync(join(bullseyePath(), 'etc', 'debian_version'), 'utf8'), /^11\./);
    const server = await tryPackage('installed-bullseye', { wrap: inBullseye });
    assert.match(server.maps, /\/lib\/x86_64-linux-gnu\/libc-2\.31\.so/);
  });
});
