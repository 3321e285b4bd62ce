/** The view of an edit in place, as the tests see it. */
import { join } from 'node:path';
import { quickInput, quickTitle } from './quickInput.mjs';
import { until } from './support.mjs';

export const visibleMs = 20_000;

export class EditPane {
  constructor(ui) {
    this.ui = ui;
  }

  get tab() {
    return this.ui.page.locator('.tab.active[aria-label*="(edit)"]');
  }

  lens(hasText) {
    return this.ui.page.locator('.editor-instance .codelens-decoration a', { hasText });
  }

  count(hasText) {
    return this.lens(hasText).count();
  }

  /** Presses the key and answers the question. Everything is selected before, unless told otherwise. */
  async ask(instruction, { range = () => this.ui.page.keyboard.press('Control+A') } = {}) {
    await range();
    await this.ui.page.keyboard.press('Shift+Alt+E');
    await quickTitle(this.ui).filter({ hasText: 'Niwaki: edit' }).waitFor({ timeout: visibleMs });
    await quickInput(this.ui).fill(instruction);
    await this.ui.page.keyboard.press('Enter');
    await this.tab.waitFor({ timeout: visibleMs });
  }

  /** The model has ended, and there is something to decide on. */
  async deciding() {
    await this.lens('Accept all').first().waitFor({ timeout: visibleMs });
    // The keys are there when the buttons are: what both hang on may come after the lenses.
    const button = this.ui.page.locator('.editor-actions [aria-label^="Accept All Changes"]');
    await button.first().waitFor({ timeout: visibleMs });
    await this.ui.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  }

  async closed() {
    await this.tab.waitFor({ state: 'detached', timeout: visibleMs });
    await this.ui.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  }

  /** What the open file is, after saving it. */
  async fileText(name) {
    await this.ui.page.locator(`.tab.active[aria-label^="${name}"]`).waitFor();
    return this.ui.save(join('src', name));
  }

  get preview() {
    return this.ui.page.locator('.bulk-edit-panel');
  }

  /** Chooses one of the refactorings at the cursor. */
  async refactor(title) {
    await this.inMenu('Control+Shift+R', title, (row) => row.click({ timeout: 3_000 }));
  }

  /** Opens the menu of what can be done about the problem at the cursor, with this in it. */
  async showFixes(title) {
    await this.inMenu('Control+.', title, (row) => row.waitFor({ timeout: 5_000 }));
  }

  /** Whatever takes the focus closes such a menu, another one that is on its way out too. */
  async inMenu(key, title, use) {
    const row = this.ui.page.locator('.action-widget .monaco-list-row', { hasText: title });
    await until(
      `"${title}" in the menu`,
      async () => {
        await this.ui.page.keyboard.press(key);
        return use(row).then(
          () => true,
          () => false,
        );
      },
      visibleMs,
    );
  }

  /** Everything that is shown there is confirmed: nothing is, at first. */
  async applyPreview() {
    for (const box of await this.preview
      .locator('.monaco-list-row input[type=checkbox], .monaco-list-row .monaco-checkbox')
      .all()) {
      await box.click();
      break; // the file's own, which holds for all that is in it
    }
    await this.preview.locator('.monaco-button', { hasText: 'Apply' }).click();
    await this.preview.waitFor({ state: 'hidden', timeout: visibleMs });
    await this.ui.command('View: Focus Active Editor Group');
  }

  async toFile(name) {
    await this.ui.page.locator(`.tab[data-resource-name="${name}"]`).click();
    await this.ui.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await this.ui.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  }

  async toView() {
    await this.ui.page.locator('.tab[aria-label*="(edit)"]').click();
    await this.tab.waitFor();
    await this.ui.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  }

  async lines() {
    const all = await this.ui.page
      .locator('.editor-instance .view-line')
      .evaluateAll((found) =>
        found.map((line) => ({ top: parseFloat(line.style.top), text: line.textContent })),
      );
    return all.sort((a, b) => a.top - b.top).map(({ text }) => text.replaceAll('\u00a0', ' '));
  }
}
