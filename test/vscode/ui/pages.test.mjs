/** Pages that a new user sees: the walkthrough and the privacy report, in every kind of theme. */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import { pictureFailures, Ui, until } from './support.mjs';

describe('Niwaki’s pages', function () {
  this.timeout(60_000);
  /** @type {Ui} */
  let ui;

  before(async function () {
    this.timeout(180_000);
    ui = await Ui.start();
    await ui.page.setViewportSize({ width: 1500, height: 900 }); // a walkthrough shows pictures where there is room
    await ui.command('View: Toggle Primary Side Bar Visibility');
  });
  after(async () => {
    await ui?.stop();
  });
  pictureFailures(() => ui);

  /** The page of ours that is open: a frame in a frame. */
  const content = () => ui.page.frameLocator('iframe.webview.ready').last().frameLocator('iframe');

  it('has a walkthrough that tells what works now, the keys, models and privacy, with its pictures', async () => {
    await ui.pick('Welcome: Open Walkthrough...');
    const input = ui.page.locator('.quick-input-widget input').first();
    await input.fill('Get started with Niwaki');
    await ui.page.keyboard.press('Enter');
    const steps = ui.page.locator('.getting-started-step');
    await until('four steps', async () => (await steps.count()) === 4);
    for (const title of ['It works now', 'The keys', 'Choose a bigger model', 'See that nothing leaves']) {
      await steps.filter({ hasText: title }).first().click();
      await ui.page.locator('.getting-started-step.expanded', { hasText: title }).waitFor();
      await ui.screenshot(`walkthrough-${title.replace(/\W+/g, '-').toLowerCase()}`);
    }
    await steps.filter({ hasText: 'It works now' }).first().click();
    await ui.pictures('walkthrough');
  });

  it('shows ghost text in the sample that the walkthrough opens', async () => {
    await ui.page.locator('.getting-started-step.expanded a', { hasText: 'Try a Completion' }).click();
    await ui.page.locator('.editor-instance .monaco-editor').first().waitFor();
    await until(
      'ghost text in the sample',
      async () => {
        if ((await ui.suggestion()) !== '') {
          return true;
        }
        await ui.command('Trigger Inline Suggestion'); // a new editor takes its time (Ui.warmUp)
        await ui.ghostText.waitFor({ timeout: 1_500 }).catch(() => {});
        return (await ui.suggestion()) !== '';
      },
      30_000,
    );
    assert.match(await ui.suggestion(), /^ber\.isNaN\(value\)/);
    await ui.screenshot('walkthrough-sample');
    await ui.page.keyboard.press('Escape');
  });

  it('shows the privacy report in every kind of theme', async () => {
    await ui.command('Niwaki: Show Privacy Report');
    await content().locator('h1', { hasText: 'Niwaki: Privacy Report' }).waitFor({ timeout: 20_000 });
    const text = await content().locator('body').innerText();
    for (const part of [
      'What may be read',
      'Saved context',
      'dist/server.js',
      'models/nano.gguf',
      'niwaki.kv.diskMB',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.match(text, /\b[0-9a-f]{64}\b/);
    assert.match(text, /The system refuses network sockets to the server/);
    assert.match(text, /Channels to the process that started the server: \d/);
    assert.doesNotMatch(text, /Sockets to other programs|could not be asked/);
    assert.match(text, /Network sockets that the server has open: none/);
    assert.ok(!text.includes('cannot be read'), text);
    await ui.pictures('privacy-report');
  });

  it('runs a command of the report’s when its button is pressed, and nothing else', async () => {
    const looked = await content().locator('body').innerText();
    await content().locator('a.button', { hasText: 'Look Again' }).click();
    await until('a report made anew', async () => {
      const now = await content()
        .locator('body')
        .innerText()
        .catch(() => looked);
      return /As found on/.test(now) && now.split('\n', 3).join() !== looked.split('\n', 3).join();
    });
    assert.equal(await content().locator('script').count(), 0);
  });
});
