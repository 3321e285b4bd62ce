/** Importing a model as a user does it: the file dialog, the choice, the page, the list, the question before deleting. */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../../scripts/vscode/setup.mjs';
import { countingFile, workspaceSettings } from '../workspace.mjs';
import { askBy, chooseModelFile, quickEntry } from './quickInput.mjs';
import { pictureFailures, Ui, until } from './support.mjs';

const visibleMs = 20_000;

/** By VS Code's setting, and the class that its page then has. */
const themes = [
  ['light', 'Default Light Modern', 'vs'],
  ['dark', 'Default Dark Modern', 'vs-dark'],
  ['high-contrast', 'Default High Contrast', 'hc-black'],
];

describe('Niwaki imports a model', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-import-'));
  const file = join(folder, 'my model.gguf');
  /** @type {Ui} */
  let ui;

  before(async function () {
    this.timeout(180_000);
    copyFileSync(join(root, 'models', 'nano.gguf'), file);
    ui = await Ui.start();
    await ui.open(countingFile);
  });

  after(async () => {
    await ui?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  pictureFailures(() => ui);

  const entry = (hasText) => quickEntry(ui, hasText);
  const line = (text) =>
    ui.page.locator('.editor-instance .view-line', { hasText: new RegExp(text.replaceAll(' ', '\\s')) });

  /** Where VS Code keeps what is ours. */
  function storedModels() {
    const path = join(
      ui.server.temporary,
      'server',
      'data',
      'User',
      'globalStorage',
      'niwaki.niwaki',
      'models',
    );
    try {
      return readdirSync(path).sort();
    } catch {
      return [];
    }
  }

  async function theme(name, pageClass) {
    const settings = { ...workspaceSettings, 'workbench.colorTheme': name };
    writeFileSync(join(ui.workspace, '.vscode', 'settings.json'), JSON.stringify(settings, null, 2));
    await ui.page.locator(`.monaco-workbench.${pageClass}`).waitFor();
  }

  it('says why a file is refused', async () => {
    const broken = join(folder, 'half.gguf');
    const whole = readFileSync(file);
    writeFileSync(broken, whole.subarray(0, whole.length / 2));
    await chooseModelFile(ui, broken);
    await ui.notification(/not imported\. .*half\.gguf/);
    await ui.clearNotifications();
    assert.deepEqual(storedModels(), []);
  });

  it('copies it, and shows what it is and how fast', async () => {
    await chooseModelFile(ui, file);
    await entry('Copy it').waitFor({ timeout: visibleMs });
    await ui.screenshot('import-choice');
    await entry('Copy it').click();
    const said = await ui.notification('was imported');
    await ui.screenshot('imported');
    await said.hover();
    await said.locator('.monaco-button', { hasText: 'Inspect' }).click();
    await ui.page.locator('.tab.active[aria-label^="model-"]').waitFor({ timeout: visibleMs });
    await line('Writing: [\\d.]+ tokens/s').waitFor({ timeout: visibleMs });
    await line('SHA-256: [0-9a-f]{64}').waitFor();
    await ui.clearNotifications();
    await ui.page.mouse.move(200, 600); // no hover over anything
    for (const [name, setting, pageClass] of themes) {
      await theme(setting, pageClass);
      await ui.screenshot(`model-page-${name}`);
    }
    const names = storedModels();
    assert.equal(names.length, 2);
    assert.match(names[0], /^[0-9a-f]{16}-my model\.gguf$/);
  });

  it('lists it, completes with it, and deletes it after a question; the built-in model goes on', async () => {
    await askBy(ui, 'Niwaki: Manage Models…', 'Niwaki: models');
    for (const [name, setting, pageClass] of themes) {
      await theme(setting, pageClass);
      await ui.screenshot(`manage-models-${name}`);
    }
    await entry('my model.gguf').click();
    await entry('Use for completions').click();
    const machine = join(ui.server.temporary, 'server', 'data', 'Machine', 'settings.json');
    const settings = () => readFileSync(machine, 'utf8');
    await until('the setting names the copy', () => settings().includes('my model.gguf'), visibleMs);
    await askBy(ui, 'Niwaki: Manage Models…', 'Niwaki: models');
    await entry('my model.gguf').click();
    await entry('Delete…').click();
    const dialog = ui.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    assert.match(await dialog.textContent(), /calibration and the saved context/);
    await ui.screenshot('delete-model');
    await dialog.locator('.monaco-button', { hasText: 'Delete' }).click();
    await ui.notification('Completions come from the built-in model');
    assert.deepEqual(storedModels(), []);
    assert.ok(!settings().includes('my model.gguf'));
    await ui.clearNotifications();
    await ui.page.locator(`.tab[aria-label^="${countingFile}"] .label-name`).click();
    await ui.page.locator(`.tab.active[aria-label^="${countingFile}"]`).waitFor();
    await ui.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
    await ui.page.keyboard.press('Control+End');
    await ui.warmUp();
    await ui.type('con');
    await ui.ghostText.waitFor({ timeout: visibleMs });
    await ui.revert();
    assert.deepEqual(
      ui.errors.filter((text) => /niwaki/i.test(text) && !text.includes('Niwaki: not imported.')), // VS Code writes down what it shows
      [],
    );
  });
});
