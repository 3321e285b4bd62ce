/** Other extensions in the same editor: their ghost text, their modes, their keys. And the keys of VS Code itself. */
/* global describe, it, before, after, afterEach */
import assert from 'node:assert/strict';
import { countingFile } from '../workspace.mjs';
import { Ui, until } from './support.mjs';

const visibleMs = 10_000;
const countingRest = /^sole\.log\('\w+'\);?$/;

describe('Niwaki beside other extensions', function () {
  this.timeout(60_000);
  /** @type {Ui} */
  let ui;

  before(async function () {
    this.timeout(180_000);
    ui = await Ui.start({ extensions: ['other-ghost', 'modal-keys', 'assistant-keys'] });
    await ui.open(countingFile);
    await ui.warmUp();
  });

  after(async () => {
    await ui?.stop();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      await ui.screenshot(`failure-${this.currentTest.title.replace(/\W+/g, '-')}`);
      await ui.revert(); // the next one starts from the same file
    }
  });

  const press = (keys) => ui.page.keyboard.press(keys);
  const lastLineIs = (expected) =>
    until(`the last line ${expected}`, async () => {
      const line = await ui.lastLine();
      return expected instanceof RegExp ? expected.test(line) : line === expected;
    });
  const suggestWidget = () => ui.page.locator('.suggest-widget.visible').first();

  async function ghostTextFor(typed) {
    await press('Enter');
    await ui.type(typed);
    await ui.ghostText.waitFor({ timeout: visibleMs });
  }

  describe('with the keys of VS Code', () => {
    it('Tab accepts ghost text when there is some, and indents otherwise', async () => {
      await press('Tab');
      await lastLineIs(/^(\t| {2,8})$/);
      await ui.revert();
      await ghostTextFor('con');
      await press('Tab');
      await lastLineIs(/^console\.log\('\w+'\);?$/);
      await ui.revert();
    });

    it('Tab takes the item of the suggest widget while that is open, even with ghost text behind it', async () => {
      await press('Enter');
      await ui.type('cons');
      await press('Control+Space');
      await suggestWidget().waitFor();
      await ui.page
        .locator('.suggest-widget .monaco-list-row.focused', { hasText: 'of assistant keys' })
        .waitFor();
      await until('ghost text that goes on from the item', async () =>
        /^ole\.log/.test(await ui.suggestion()),
      );
      await ui.screenshot('suggest-widget');
      await press('Tab');
      await suggestWidget().waitFor({ state: 'hidden' });
      await lastLineIs('console');
      await ui.revert();
    });

    it('Ctrl+I and Ctrl+Space open the suggest widget', async () => {
      for (const keys of ['Control+Space', 'Control+I']) {
        await press('Enter');
        await ui.type('cons');
        await press(keys);
        await suggestWidget().waitFor();
        await press('Escape');
        await suggestWidget().waitFor({ state: 'hidden' });
        await ui.revert();
      }
    });

    it('Tab moves on to the next placeholder of a snippet', async () => {
      await ui.command('Assistant Keys: Insert Snippet');
      await lastLineIs('between first and second;');
      await ui.type('con'); // VS Code keeps ghost text out of placeholders, so Tab is the snippet's
      await press('Tab');
      await ui.type('x');
      await press('Tab');
      await ui.type('// end');
      await lastLineIs('between con and x;// end');
      await ui.revert();
    });
  });

  describe('with an extension that claims keys for an assistant', () => {
    before(async () => {
      await ui.command('Assistant Keys: Toggle');
      await ui.otherSays('assistant keys: on');
    });

    after(async () => {
      await ui.command('Assistant Keys: Toggle');
    });

    it('leaves Ctrl+I and Ctrl+Space to it', async () => {
      await press('Control+I');
      await ui.otherSays('assistant keys: on ctrl\\+i=1');
      await press('Control+Space');
      await ui.otherSays('assistant keys: on ctrl\\+i=1 ctrl\\+space=1');
    });

    it('leaves Tab to it while there is no ghost text, and takes it while there is', async () => {
      await press('Tab');
      await ui.otherSays('assistant keys: on ctrl\\+i=1 ctrl\\+space=1 tab=1');
      await ghostTextFor('con');
      await press('Tab');
      await lastLineIs(/^console\.log\('\w+'\);?$/);
      await ui.otherSays('assistant keys: on ctrl\\+i=1 ctrl\\+space=1 tab=1');
      await ui.revert();
    });
  });

  describe('with another provider of ghost text', () => {
    before(async () => {
      await ui.command('Other Ghost: Toggle');
      await ui.otherSays('other ghost: on');
    });

    after(async () => {
      await ui.command('Other Ghost: Toggle');
      await ui.otherSays('other ghost: off');
    });

    it('shares the cursor: both suggestions can be reached, and either accepted', async () => {
      for (const wanted of [countingRest, /^sideration_of_others\(\)$/]) {
        await ghostTextFor('con');
        await until(
          `the suggestion ${wanted}`,
          async () => {
            if (wanted.test(await ui.suggestion())) {
              return true;
            }
            await press('Alt+BracketRight');
            return ui.ghostText.waitFor({ timeout: 500 }).then(
              async () => wanted.test(await ui.suggestion()),
              () => false,
            );
          },
          visibleMs,
        );
        const suggestion = await ui.suggestion();
        await ui.screenshot('two-providers');
        await press('Tab');
        await lastLineIs(`con${suggestion}`);
        await ui.revert();
      }
    });
  });

  describe('with modal editing', () => {
    before(async () => {
      await ui.command('Modal Keys: Toggle');
      await ui.otherSays('modal keys: normal');
    });

    after(async () => {
      await ui.command('Modal Keys: Toggle');
      await ui.otherSays('modal keys: off');
    });

    it('writes nothing in normal mode, whatever is pressed', async () => {
      const before = await ui.lastLine();
      await ui.type('consolh');
      await press('Tab');
      assert.equal(await ui.ghostText.count(), 0);
      assert.equal(await ui.lastLine(), before);
      assert.equal(await ui.page.locator('.tab.active.dirty').count(), 0);
    });

    it('completes in insert mode, and Escape leads back without the suggestion', async () => {
      await press('Control+End');
      await ui.type('i');
      await ui.otherSays('modal keys: insert');
      await ghostTextFor('con');
      assert.match(await ui.suggestion(), countingRest);
      await press('Escape');
      await ui.otherSays('modal keys: normal');
      await ui.ghostText.waitFor({ state: 'detached' });
      await press('Tab');
      await ui.type('h');
      await press('Tab');
      assert.equal(await ui.lastLine(), 'con');
      // And on from there: "a" goes back to the end.
      await ui.type('l');
      await ui.type('a');
      await ui.otherSays('modal keys: insert');
      await ui.type('s');
      await ui.ghostText.waitFor({ timeout: visibleMs });
      await press('Tab');
      await lastLineIs(/^console\.log\('\w+'\);?$/);
      await press('Escape');
      await ui.otherSays('modal keys: normal');
      await ui.revert();
    });
  });

  describe('after all of that', () => {
    it('nothing has been complained about', async () => {
      const said = await (await ui.notifications()).allTextContents();
      assert.deepEqual(
        said.filter((text) => /niwaki/i.test(text)),
        [],
      );
      await ui.clearNotifications();
      assert.deepEqual(
        ui.errors.filter((text) => /niwaki|inline/i.test(text)),
        [],
      );
    });
  });
});
