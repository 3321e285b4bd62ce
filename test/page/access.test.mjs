/** The chat's page for those who do without a mouse, without sight of it, or with little room: names, keys, a narrow side bar, high contrast. */
/* global describe, it, document, window, getComputedStyle */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/vscode/setup.mjs';
import * as kit from '../support/chatPage.mjs';

const screenshots = join(root, 'out', 'screenshots');
const file = (name) => ({ kind: 'file', uri: `file:///w/${name}` });

describe('the chat’s page for everybody', () => {
  /** @type {kit.ChatPage} */
  let page;
  const open = kit.pagesOfSuite((opened) => (page = opened));

  it('names everything that can be pressed, and can be used with keys alone', async () => {
    const shown = [
      kit.message('m1', 'user', 'First question', { attachments: [] }),
      kit.message('m2', 'assistant', 'First answer'),
      kit.message('m3', 'user', 'Second', {
        attachments: [
          {
            ...{ attachment: file('a.ts'), label: 'a.ts', tokens: 1, wholeTokens: 1 },
            ...{ shown: 'whole', reason: '', files: [] },
          },
        ],
      }),
      kit.message('m4', 'assistant', 'See src/a.ts:3.\n\n```js\nx\n```\n\n| a |\n|---|\n| b |', {
        thinking: 'x',
        versions: ['m4', 'm5'],
      }),
    ];
    const of = await open({ conversation: kit.conversation(shown) });
    const nameless = await of.evaluate(() =>
      [
        ...document.querySelectorAll(
          'button, textarea, [role=meter], progress, vscode-checkbox, vscode-button, [role=log], [role=region], [role=toolbar]',
        ),
      ]
        .filter((one) => one.checkVisibility())
        .filter(
          (one) =>
            (one.ariaLabel ?? '') === '' &&
            one.textContent.trim() === '' &&
            (one.getAttribute('label') ?? '') === '',
        )
        .map((one) => one.outerHTML.slice(0, 100)),
    );
    assert.deepEqual(nameless, []);
    const tree = await of.locator('body').ariaSnapshot();
    for (const part of [
      'log "Conversation"',
      'article "You"',
      'article "Niwaki"',
      'button "Answer again"',
      'link "src/a.ts:3"',
      'textbox "Message to Niwaki',
      'button "Send (Enter)"',
    ]) {
      assert.ok(tree.includes(part), `${part} in\n${tree}`);
    }
    // Arrow keys go from message to message; Tab goes on from the last one to the input.
    await of.locator('[data-id=m4]').focus();
    await of.keyboard.press('ArrowUp');
    await of.keyboard.press('Home');
    assert.equal(await of.evaluate(() => document.activeElement.dataset.id), 'm1');
    await of.keyboard.press('End');
    assert.equal(await of.evaluate(() => document.activeElement.dataset.id), 'm4');
    const seen = new Set();
    for (let i = 0; i < 25; i += 1) {
      await of.keyboard.press('Tab');
      const outline = await of.evaluate(() => {
        const one = document.activeElement;
        return { name: one.ariaLabel ?? one.textContent.slice(0, 40) };
      });
      seen.add(outline.name);
    }
    assert.ok(
      [...seen].some((name) => name?.startsWith('Message to Niwaki')),
      [...seen].join(' | '),
    );
    assert.ok(seen.has('Copy') && seen.has('src/a.ts:3'), [...seen].join(' | '));
  });

  for (const theme of ['dark', 'high-contrast']) {
    it(`is usable 180 pixels wide, ${theme}`, async () => {
      mkdirSync(screenshots, { recursive: true });
      const code = 'export const aVeryLongNameOfSomething = anotherVeryLongName(withAnArgument, andAnother);';
      const chip = {
        attachment: file('a/very/long/path/to/some/file.ts'),
        label: 'a/very/long/path/to/some/file.ts',
      };
      const shown = [
        kit.message('m1', 'user', 'Look', {
          attachments: [
            {
              ...chip,
              tokens: 1200,
              wholeTokens: 5000,
              shown: 'part',
              reason: 'Only the beginning fits.',
              files: [],
            },
          ],
        }),
        kit.message(
          'm2',
          'assistant',
          `See [this](https://example.com/${'long/'.repeat(20)}).\n\n\`\`\`ts\n${code}\n\`\`\`\n\n| a | b | c |\n|---|---|---|\n| ${'wide '.repeat(6)} | ${'x'.repeat(40)} | y |`,
          { versions: ['m0', 'm2'], state: 'cut', problem: 'The limit of tokens was reached.' },
        ),
      ];
      const of = await open({
        width: 180,
        height: 640,
        theme,
        conversation: kit.conversation(shown, { title: 'A rather long title of a conversation' }),
      });
      await page.post({
        kind: 'compose',
        text: 'A draft',
        command: '',
        attachments: [chip.attachment],
        labels: [chip.label],
        problem: 'It could not be sent.',
      });
      await of.locator('.composer .chip').waitFor();
      await page.settle();
      await of.screenshot({ path: join(screenshots, `chat-page-narrow-${theme}.png`) });
      const wide = await of.evaluate(() =>
        [...document.querySelectorAll('body *')]
          .filter((one) => one.checkVisibility() && one.closest('pre, .table, .announcer') === null)
          .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
          .map((one) => one.outerHTML.slice(0, 120)),
      );
      assert.deepEqual(wide, []);
      assert.ok(await of.locator('[aria-label="Send (Enter)"]').isVisible());
      if (theme === 'high-contrast') {
        const bare = await of.evaluate(() =>
          ['.composer-box', '.code-block', '.chip-button', '.message.user', '.no-model vscode-button'].filter(
            (selector) => {
              const one = document.querySelector(selector);
              return (
                one !== null &&
                one.checkVisibility() &&
                !/rgb\(1?1?1, 195, 223\)|rgb\(243, 133, 24\)/.test(getComputedStyle(one).borderTopColor)
              );
            },
          ),
        );
        assert.deepEqual(bare, []);
      }
    });
  }
});
