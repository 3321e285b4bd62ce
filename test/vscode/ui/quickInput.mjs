/** VS Code's box for questions: commands that ask something, and the file dialog. */
import { basename } from 'node:path';
import { until } from './support.mjs';

const visibleMs = 20_000;

export const quickInput = (ui) => ui.page.locator('.quick-input-widget input').first();
export const quickTitle = (ui) => ui.page.locator('.quick-input-widget .quick-input-title');
export const quickEntry = (ui, hasText) =>
  ui.page.locator('.quick-input-list [role=option]', { hasText }).first();

/** Runs a command that asks something: another box takes the place of the palette. */
export async function askBy(ui, command, asked) {
  await until(`the palette for "${command}"`, async () => {
    await ui.page.keyboard.press('F1');
    return quickInput(ui)
      .fill(`>${command}`, { timeout: 2_000 })
      .then(
        () => true,
        () => false,
      );
  });
  await quickEntry(ui, command).click();
  await quickTitle(ui).filter({ hasText: asked }).waitFor({ timeout: visibleMs });
}

/** "Import Model…" with this file. */
export async function chooseModelFile(ui, path) {
  await askBy(ui, 'Niwaki: Import Model…', 'Choose a 1-bit model');
  // The dialog writes into its box as well, a folder that it has read: what was filled in is gone then, and is filled in again.
  await until(
    'the dialog has taken the path',
    async () => {
      try {
        await quickInput(ui).fill(path, { timeout: 2_000 });
        await quickEntry(ui, basename(path)).waitFor({ timeout: 1_000 });
        if ((await quickInput(ui).inputValue({ timeout: 1_000 })) === path) {
          await quickInput(ui).press('Enter', { timeout: 1_000 });
        }
      } catch {
        // gone already, or not yet as wanted
      }
      return quickTitle(ui)
        .filter({ hasText: 'Choose a 1-bit model' })
        .waitFor({ state: 'hidden', timeout: 1_000 })
        .then(
          () => true,
          () => false,
        );
    },
    60_000,
  );
}
