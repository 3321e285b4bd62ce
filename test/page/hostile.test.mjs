/** Nothing that a user, a model or a file has written does anything in the chat's page. */
/* global describe, it, before, after, document, window */
import assert from 'node:assert/strict';
import { hostileMessages, hostileTexts, tryMessage, tryText } from '../../bench/chat/hostilePage.mjs';
import * as kit from '../support/chatPage.mjs';

describe('the chat’s page and hostile inputs', () => {
  /** @type {kit.ChatPage} */
  let page;

  before(async () => {
    page = await kit.ChatPage.open();
  });

  after(() => page?.close());

  it('are many, by many mechanisms', () => {
    const all = [...hostileTexts, ...hostileMessages];
    assert.ok(all.length >= 35, `${all.length}`);
    assert.ok(new Set(all.map(({ mechanism }) => mechanism)).size >= 10);
  });

  for (const input of [...hostileTexts]) {
    it(`shows and does nothing else: ${input.id}`, async () => {
      assert.deepEqual(await tryText(page, kit, input), []);
    });
  }

  for (const input of hostileMessages) {
    it(`drops what is no message: ${input.id}`, async () => {
      assert.deepEqual(await tryMessage(page, kit, input), []);
    });
  }

  it('writes characters out that nobody would see', async () => {
    await page.show([
      kit.message('m1', 'user', 'a\u202Eb'),
      kit.message('m2', 'assistant', '\u2066x\u2069 `\u202Ey`\n\n```ts\n// \u202Ez\n```\n\n\u001b[31m'),
    ]);
    const text = await page.page.evaluate(() => document.querySelector('.messages').innerText);
    for (const shown of ['a⟨U+202E⟩b', '⟨U+2066⟩x⟨U+2069⟩', '⟨U+202E⟩y', '// ⟨U+202E⟩z', '⟨U+001B⟩[31m']) {
      assert.ok(text.includes(shown), `${shown} in ${text}`);
    }
  });

  it('would be noticed: the page’s policy refuses it, and the check sees it', async () => {
    await page.show([kit.message('m1', 'user', 'a'), kit.message('m2', 'assistant', 'b')]);
    await page.page.evaluate(() => {
      const made = document.createElement('div');
      made.innerHTML =
        '<img src="http://evil.test/x.png" onerror="window.ran=1"><iframe src="http://evil.test/"></iframe>';
      document.querySelector('.messages-inner').append(made);
    });
    await page.until('a violation', () => page.violations.length >= 2);
    assert.equal(await page.page.evaluate(() => window.ran), undefined);
    const wrong = await tryMessage(page, kit, hostileMessages[5]);
    assert.ok(
      wrong.some((text) => text.includes('<IMG>')) && wrong.includes('an element that loads'),
      wrong.join(),
    );
  });
});
