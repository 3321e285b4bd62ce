/** Ghost text as a user meets it: real keys in a real editor. */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import { countingFile } from '../workspace.mjs';
import { isAlive, pictureFailures, Ui, until } from './support.mjs';

/**
 * From the last key to visible ghost text, at worst. The test of the extension host measures the server itself; here VS Code waits
 * and draws as well, and a machine that does other things takes its share.
 */
const visibleMs = 10_000;
const afterCrashMs = 3_000;

describe('Niwaki under real keys', function () {
  this.timeout(60_000);
  /** @type {Ui} */
  let ui;

  before(async function () {
    this.timeout(180_000); // the first time, VS Code has to be fetched
    ui = await Ui.start();
    await ui.open(countingFile);
    await ui.warmUp();
  });

  after(async () => {
    await ui?.stop();
  });

  pictureFailures(() => ui);

  it('shows ghost text, and Tab takes it into the file', async () => {
    await ui.type('con');
    const typed = Date.now();
    await ui.ghostText.waitFor({ timeout: visibleMs });
    console.log(`      visible ${Date.now() - typed} ms after the last key`);
    assert.match(await ui.suggestion(), /^sole\.log\('\w+'\);?$/);
    await ui.screenshot('ghost-text');
    await ui.page.keyboard.press('Tab');
    const lines = (await ui.save(countingFile)).split('\n');
    assert.match(lines.at(-1), /^console\.log\('\w+'\);?$/);
    await ui.screenshot('accepted');
  });

  it('keeps ghost text while the user types along it, without asking the model again', async () => {
    await ui.page.keyboard.press('Enter');
    await ui.type('con');
    await ui.ghostText.waitFor({ timeout: visibleMs });
    assert.match(await ui.suggestion(), /^sole\.log/);
    const before = await ui.engineInfo();
    for (const letter of 'sole.lo') {
      await ui.type(letter);
      await ui.ghostText.waitFor({ timeout: visibleMs });
    }
    assert.match(await ui.suggestion(), /^g\('\w+'\);?$/);
    const after = await ui.engineInfo();
    assert.ok(after.typedAlong > before.typedAlong, `${before.typedAlong} → ${after.typedAlong}`);
    assert.equal(after.runs, before.runs);
    await ui.revert();
  });

  it('hides ghost text on Escape, and leaves the text as typed', async () => {
    await ui.page.keyboard.press('Enter');
    await ui.type('con');
    await ui.ghostText.waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Escape');
    await ui.ghostText.waitFor({ state: 'detached', timeout: visibleMs });
    assert.equal(await ui.lastLine(), 'con');
    await ui.revert();
  });

  it('shows ghost text again within 3 seconds after the server process crashed', async () => {
    // Others on the machine may take their part of one; they do not take it of each of three.
    for (
      let took = await afterCrash(), tries = 1;
      took >= afterCrashMs;
      took = await afterCrash(), tries += 1
    ) {
      assert.ok(tries < 3, `took ${took} ms`);
    }
  });

  /** Milliseconds from a crash to ghost text. */
  async function afterCrash() {
    await ui.page.keyboard.press('Enter');
    const crashed = await ui.languageServer();
    assert.equal((await ui.engineInfo()).pid, crashed);
    process.kill(crashed, 'SIGSEGV');
    const killed = Date.now();
    // A user goes on typing, with or without answers.
    for (const letter of 'console.log') {
      await ui.type(letter);
      const shown = await ui.ghostText.waitFor({ timeout: 150 }).then(
        () => !isAlive(crashed),
        () => false,
      );
      if (shown) {
        break;
      }
    }
    await ui.ghostText.waitFor({ timeout: visibleMs });
    const took = Date.now() - killed;
    console.log(`      ghost text ${took} ms after the crash`);
    assert.notEqual(await ui.languageServer(), crashed);
    await ui.revert();
    return took;
  }

  it('completes in the middle of a real file, around the bracket that the editor closed', async () => {
    const typed = 'hasTag(tag: str';
    await ui.open('inventory.ts');
    await ui.page.keyboard.press('Control+G');
    await ui.page.keyboard.type('73');
    await ui.page.keyboard.press('Enter');
    await ui.page.keyboard.press('End');
    await ui.page.keyboard.press('Enter');
    await ui.page.keyboard.press('Enter');
    await until(
      'ghost text in the new editor',
      async () => {
        await ui.type(typed);
        const shown = await ui.ghostText.waitFor({ timeout: 1_500 }).then(
          () => true,
          () => false,
        );
        for (let i = 0; !shown && i < typed.length; i += 1) {
          await ui.page.keyboard.press('Backspace');
        }
        return shown;
      },
      30_000,
    );
    assert.match(await ui.suggestion(), /^ing/);
    await ui.screenshot('readme');
    await ui.page.keyboard.press('Tab');
    const line = (await ui.save('src/inventory.ts')).split('\n').find((text) => text.includes('hasTag('));
    assert.equal(line.split('(').length, line.split(')').length, line);
    await ui.command('View: Close Editor');
  });

  it('says in the status bar when completions are off', async () => {
    await ui.command('Niwaki: Toggle Completions');
    await ui.saysInStatusBar('Niwaki: completions are off');
    await ui.page.keyboard.press('Enter');
    await ui.type('con');
    await assert.rejects(ui.ghostText.waitFor({ timeout: 1_000 }));
    await ui.command('Niwaki: Toggle Completions');
    await ui.ready();
    await ui.revert();
  });

  it('shows what it has read and what it runs on', async () => {
    await ui.page.keyboard.press('Enter');
    await ui.type('con');
    await ui.ghostText.waitFor({ timeout: visibleMs });
    await ui.command('Niwaki: Show Rendered Prompt');
    await ui.page.locator('.tab.active[aria-label^="prompt.txt"]').waitFor();
    await ui.page.locator('.editor-instance .view-line', { hasText: 'fim_suffix' }).first().waitFor();
    await ui.screenshot('rendered-prompt');
    await ui.command('View: Close Editor');
    await ui.command('Niwaki: Show Engine Info');
    await ui.page.locator('.editor-instance .view-line', { hasText: 'Kernels' }).first().waitFor();
    await ui.screenshot('engine-info');
    await ui.command('View: Close Editor');
    await ui.revert();
  });

  it('ends its server when the window is reloaded, and starts a new one', async () => {
    const old = await ui.languageServer();
    await ui.command('Developer: Reload Window');
    await until('the old server has ended', () => !isAlive(old));
    await ui.ready();
    assert.notEqual(await ui.languageServer(), old);
  });

  it('leaves no server behind when the extension host dies', async () => {
    const server = await ui.languageServer();
    const hosts = ui.processes('--type=extensionHost');
    assert.equal(hosts.length, 1);
    process.kill(hosts[0], 'SIGKILL');
    await until('the server has ended', () => !isAlive(server));
  });

  it('asked for nothing outside the machine', () => {
    assert.deepEqual([...ui.workbench.outside], []);
  });
});
