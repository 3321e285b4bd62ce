/** What the user is told when something is broken, and how to go on. */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../../scripts/vscode/setup.mjs';
import { countingFile } from '../workspace.mjs';
import { pictureFailures, Ui, until } from './support.mjs';

const visibleMs = 10_000;

/** A server that dies this often within three minutes is not started again (client/src/crashPolicy.ts). */
const tooManyCrashes = 5;

describe('Niwaki when something is broken', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-faults-'));
  const damaged = join(folder, 'cut short.gguf');
  /** @type {Ui} */
  let ui;

  before(async function () {
    this.timeout(180_000);
    const whole = readFileSync(join(root, 'models', 'nano.gguf'));
    writeFileSync(damaged, whole.subarray(0, Math.floor(whole.length * 0.7)));
    ui = await Ui.start({ machineSettings: { 'niwaki.model.path': damaged } });
    await ui.open(countingFile);
  });

  after(async () => {
    await ui?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  pictureFailures(() => ui);

  /** That we have said one thing. What VS Code itself says, of a slow machine for example, is its own matter. */
  async function saidOnce() {
    const all = await (await ui.notifications()).allTextContents();
    assert.equal(all.filter((text) => /niwaki/i.test(text)).length, 1, all.join(' | '));
  }

  /** Kills every server as soon as it shows, until none comes any more. Returns how many there were. */
  async function crashAgainAndAgain() {
    const killed = new Set();
    const stopped = ui.saysInStatusBar('Niwaki: not running', 30_000).then(() => true);
    let over = false;
    void stopped.then(
      () => (over = true),
      () => (over = true),
    );
    await until(
      'the server is given up',
      () => {
        for (const pid of ui.languageServers().filter((found) => !killed.has(found))) {
          killed.add(pid);
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // it has ended by itself
          }
        }
        return over;
      },
      30_000,
    );
    await stopped;
    return killed.size;
  }

  it('says which model file is damaged and how, and goes on with the built-in one', async () => {
    await ui.warmUp();
    const message = await ui.notification('cut short.gguf');
    const text = (await message.locator('.notification-list-item-message').textContent()).trim();
    console.log(`      "${text.replace(folder, '…')}"`);
    assert.ok(text.includes(damaged), text);
    assert.match(text, /truncated|cut off|end of the file|ends? (too early|before)|beyond|incomplete|bytes/i);
    assert.match(text, /is used instead/);
    await saidOnce();
    await ui.screenshot('damaged-model');
    await ui.clearNotifications();
    await ui.command('Niwaki: Show Engine Info');
    await ui.page.locator('.editor-instance .view-line', { hasText: /\(built\sin\)/ }).waitFor();
    await ui.command('View: Close Editor');
    await ui.completes(visibleMs);
  });

  it('gives a server up that dies again and again, and says so', async () => {
    const crashes = await crashAgainAndAgain();
    assert.equal(crashes, tooManyCrashes);
    const message = await ui.notification('crashed several times');
    await message.locator('.monaco-button', { hasText: 'Restart' }).waitFor();
    await message.locator('.monaco-button', { hasText: 'Show Log' }).waitFor();
    // What the language client has to say about it is for the log.
    await saidOnce();
    await ui.screenshot('crash-loop');
    await ui.clearNotifications();
    await ui.page.keyboard.press('Enter');
    await ui.type('con');
    await assert.rejects(ui.ghostText.waitFor({ timeout: 1_000 }));
    assert.deepEqual(ui.languageServers(), []);
    await ui.revert();
  });

  it('comes back on "Niwaki: Restart"', async () => {
    await ui.command('Niwaki: Restart');
    await ui.ready();
    await ui.completes(visibleMs);
    assert.equal(ui.languageServers().length, 1);
  });

  it('comes back by the button of the message, too', async () => {
    assert.equal(await crashAgainAndAgain(), tooManyCrashes);
    const message = await ui.notification('crashed several times');
    await message.locator('.monaco-button', { hasText: 'Restart' }).click();
    await ui.ready();
    await ui.clearNotifications();
    await ui.completes(visibleMs);
  });

  it('takes no notice of a first server that dies while it starts', async () => {
    await ui.command('Developer: Reload Window');
    const old = ui.languageServers();
    const first = await until(
      'the first server',
      () => ui.languageServers().find((pid) => !old.includes(pid)),
      30_000,
    );
    process.kill(first, 'SIGKILL');
    await ui.ready();
    await ui.page.locator('.tab.active[aria-label^="counting.ts"]').waitFor();
    await ui.command('View: Focus Active Editor Group');
    await ui.page.keyboard.press('Control+End');
    await ui.warmUp();
    const { pid } = await ui.engineInfo(); // asks the server something else than completions
    assert.deepEqual(ui.languageServers(), [pid]);
    assert.notEqual(pid, first);
    assert.deepEqual(
      (await (await ui.notifications()).allTextContents()).filter(
        (text) => /niwaki/i.test(text) && !text.includes('cut short.gguf'),
      ),
      [],
    );
  });
});
