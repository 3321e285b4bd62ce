/** A folder that the user does not trust: it may not choose what native code reads. */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../../scripts/vscode/setup.mjs';
import { countingFile } from '../workspace.mjs';
import { pictureFailures, Ui } from './support.mjs';

describe('Niwaki in a folder that is not trusted', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-trust-'));
  const own = join(folder, 'own.gguf');
  /** @type {Ui} */
  let ui;

  before(async function () {
    this.timeout(180_000);
    copyFileSync(join(root, 'models', 'nano.gguf'), own);
    ui = await Ui.start({
      workspaceTrust: true,
      settings: { 'security.workspace.trust.startupPrompt': 'never' },
      machineSettings: { 'niwaki.model.path': own, 'niwaki.engine.threads': 1 },
      workspaceSettings: {
        'niwaki.model.path': join(folder, 'from the workspace.gguf'),
        'niwaki.engine.threads': 2,
        'niwaki.engine.quiet': 'always',
        'niwaki.model.maxContextTokens': 300,
        'niwaki.kv.codec': 'f16',
        'niwaki.kv.memoryMB': 1,
      },
    });
    await ui.open(countingFile);
  });

  after(async () => {
    await ui?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  pictureFailures(() => ui);

  /** The lines of "Show Engine Info" that a folder would like to have a say in. */
  async function engine() {
    await ui.command('Niwaki: Show Engine Info');
    const line = async (hasText) => {
      const found = ui.page.locator('.editor-instance .view-line', { hasText }).first();
      return (await found.textContent()).replaceAll('\u00a0', ' ');
    };
    const lines = {
      file: await line(/-\sFile:/),
      threads: await line(/-\sIn\suse:/),
      context: await line(/-\sContext:/),
      quiet: await line(/-\sQuiet\smode:/),
    };
    await ui.command('View: Close Editor');
    return lines;
  }

  it('completes, with the settings of the user and not with those of the folder', async () => {
    await ui.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).first().waitFor();
    await ui.warmUp();
    await ui.page.keyboard.press('Enter');
    await ui.type('con');
    await ui.ghostText.waitFor();
    await ui.screenshot('restricted-mode');
    await ui.revert();
    const { file, threads, context, quiet } = await engine();
    assert.ok(file.includes(own), file);
    assert.match(threads, /, 1 threads/);
    assert.match(context, /Context: 2,048 tokens .*KV cache kv4/);
    assert.match(quiet, /off/);
    assert.equal(await (await ui.notifications()).filter({ hasText: '.gguf' }).count(), 0);
  });
});
