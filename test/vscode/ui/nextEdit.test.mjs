/** The next edit with real keys and the embedded model: a name that is changed by typing, the offer, the way there, the preview, what is taken, undone and declined. */
/* global describe, it, before, after, beforeEach, afterEach, getComputedStyle */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pictureFailures, Ui, until } from './support.mjs';

/** The user rests, the server looks, the model is asked. */
const visibleMs = 20_000;

const name = 'bill.ts';
const far = Array.from({ length: 60 }, (_, i) => `log('line ${i}');`).join('\n');
const text = `export function bill(orders: readonly Order[]): number {
  let amount = 0;
  for (const order of orders) {
    amount = amount + order.price;
    amount = amount + order.tax;
  }
  return amount;
}

${far}
`;

describe('Niwaki’s next edit', function () {
  this.timeout(120_000);
  /** @type {Ui} */
  let ui;
  let folder;

  before(async function () {
    this.timeout(240_000);
    ui = await Ui.start({
      settings: { 'niwaki.nextEdit.enabled': true },
      prepare: (path) => {
        folder = path;
        writeFileSync(join(path, name), text);
      },
    });
    // No model is loaded for an offer: what is changed before there is one is offered nowhere.
    await ui.open('counting.ts');
    await ui.warmUp();
  });

  after(() => ui?.stop());

  pictureFailures(() => ui);

  beforeEach(async () => {
    writeFileSync(join(folder, name), text);
    await ui.open(name);
  });

  afterEach(async () => {
    await ui.revert();
    await ui.command('View: Close All Editors');
  });

  /** What decorations say behind texts. */
  const hints = () =>
    ui.page
      .locator('.editor-instance .view-lines')
      .first()
      .evaluate((lines) =>
        [...lines.querySelectorAll('[class*="ced-"]')]
          .map((element) =>
            getComputedStyle(element, '::after').content.replaceAll('"', '').replaceAll('\u00a0', ' '),
          )
          .filter((content) => content !== '' && content !== 'none'),
      );
  const says = (pattern) =>
    until(
      `a hint like ${pattern}`,
      async () => (await hints()).some((hint) => pattern.test(hint)),
      visibleMs,
    );
  const silent = async () => assert.deepEqual(await hints(), []);

  const goTo = async (line, column) => {
    await ui.page.keyboard.press('Control+G');
    const input = ui.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    await input.fill(`:${line}:${column}`);
    await ui.page.keyboard.press('Enter');
    await ui.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  };

  /** Makes `amountDue` of the names at the ends of which the cursor is put. */
  const rename = async (...places) => {
    for (const [line, column] of places) {
      await goTo(line, column);
      await ui.page.keyboard.type('Due');
    }
    await ui.page.keyboard.press('Escape'); // ghost text, should there be any
  };

  const firstTwo = [
    [2, 13],
    [4, 11],
  ];
  /** The lines that are seen, without ghost text. */
  const seen = async () => {
    const lines = await ui.page.locator('.editor-instance .view-line').evaluateAll((all) =>
      all.map((line) => {
        const copy = line.cloneNode(true);
        copy.querySelectorAll('[class*="ghost-text"]').forEach((piece) => piece.remove());
        return { top: parseFloat(line.style.top), text: copy.textContent };
      }),
    );
    return lines.sort((a, b) => a.top - b.top).map((line) => line.text.replaceAll('\u00a0', ' '));
  };
  /** The function's. */
  const code = async () => (await seen()).slice(0, 8).join('\n');
  /** Names that have been changed. */
  const changed = async () => (await code()).match(/\bamountDue\b/g)?.length ?? 0;
  const becomes = async (wanted) => {
    const expected = wanted.split('\n').slice(0, 8).join('\n');
    await until('the text', async () => (await code()) === expected, visibleMs).catch(async () =>
      assert.equal(await code(), expected),
    );
  };

  it('offers the next place, goes there, shows what comes of it, makes it, and one undo takes it back', async () => {
    await rename(...firstTwo);
    await says(/amount → amountDue/);
    await ui.screenshot('next-edit-offered');
    await ui.page.keyboard.press('Alt+J');
    await says(/^amountDue$/);
    await says(/to accept/);
    await ui.screenshot('next-edit-preview');
    await ui.page.keyboard.press('Alt+J');
    await until('the change', async () => (await changed()) === 3, visibleMs);
    await ui.page.keyboard.press('Control+Z');
    await until('one undo', async () => (await changed()) === 2, visibleMs);
    assert.match(
      await code(),
      /let amountDue = 0;[^]*\n {4}amountDue = amount \+ order.price;/,
      'it took nothing else back',
    );
    await sleep(1_500);
    await silent();
  });

  it('goes on from place to place', async () => {
    await rename(...firstTwo);
    for (let i = 0; i < 4; i += 1) {
      await says(/amount → amountDue/);
      await ui.page.keyboard.press('Alt+J');
      await says(/^amountDue$/);
      await ui.page.keyboard.press('Alt+J');
    }
    await becomes(text.replaceAll('amount', 'amountDue'));
    await sleep(1_000);
    await silent();
  });

  it('offers nothing again that was declined', async () => {
    await rename(...firstTwo);
    await says(/amount → amountDue/);
    await ui.page.keyboard.press('Alt+Shift+J');
    await until('no hint', async () => (await hints()).length === 0);
    await rename([5, 11]);
    await sleep(2_000);
    await silent();
  });

  it('says in which line it is where that cannot be seen, and leaves Tab alone', async () => {
    await rename(...firstTwo);
    await says(/amount → amountDue/);
    await goTo(60, 1);
    await says(/^line [4567]: amount → amountDue/);
    await ui.screenshot('next-edit-elsewhere');
    await ui.page.keyboard.press('Tab');
    await until('Tab to indent', async () => (await seen()).includes("  log('line 50');"), visibleMs);
  });

  it('looks right in every kind of theme', async () => {
    await rename(...firstTwo);
    await says(/amount → amountDue/);
    await ui.page.keyboard.press('Alt+J');
    await says(/to accept/);
    for (const kind of ['dark', 'high-contrast', 'light']) {
      await ui.useTheme(kind);
      await sleep(300);
      await ui.screenshot(`next-edit-preview-${kind}`);
    }
  });
});
