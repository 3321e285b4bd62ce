/** The chat's page in use: keys, chips, errors, states, and what it keeps. */
/* global describe, it, document, DataTransfer, DragEvent */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { root } from '../../scripts/vscode/setup.mjs';
import * as kit from '../support/chatPage.mjs';

const screenshots = join(root, 'out', 'screenshots');
const file = (name) => ({ kind: 'file', uri: `file:///w/${name}` });
const attached = (label) => ({
  ...{ attachment: file(label), label, tokens: 1, wholeTokens: 1 },
  ...{ shown: 'whole', reason: '', files: [] },
});

describe('the chat’s page in use', () => {
  /** @type {kit.ChatPage} */
  let page;
  const open = kit.pagesOfSuite((opened) => (page = opened));

  const two = () => [
    kit.message('m1', 'user', 'First question', { attachments: [] }),
    kit.message('m2', 'assistant', 'First answer'),
  ];
  const textarea = (of) => of.locator('.composer.main textarea');

  it('sends with Enter, breaks lines with Shift+Enter, and clears the input when it was sent', async () => {
    const of = await open({ host: answerSend('') });
    await textarea(of).click();
    await of.keyboard.type('one');
    await of.keyboard.press('Shift+Enter');
    await of.keyboard.type('two');
    await of.keyboard.press('Enter');
    const said = await page.said('send');
    assert.equal(said.text, 'one\ntwo');
    await page.until('an empty input', async () => (await textarea(of).inputValue()) === '');
  });

  it('keeps the text where sending fails, and says why', async () => {
    const of = await open({ host: answerSend('The disk is full.') });
    await textarea(of).fill('precious');
    await of.keyboard.press('Enter');
    await of.locator('.composer .problem', { hasText: 'The disk is full.' }).waitFor();
    assert.equal(await textarea(of).inputValue(), 'precious');
    await of.keyboard.press('Enter'); // it can be tried again
    await page.until('a second try', () => page.heard.filter(({ kind }) => kind === 'send').length === 2);
  });

  function answerSend(problem) {
    return async (said, on) => {
      if (said.kind === 'send') {
        await on.post({ kind: 'answer', request: said.request, problem });
      }
    };
  }

  it('completes slash commands, and attaches what stands in the editor', async () => {
    const of = await open({
      host: async (said, on) => {
        if (said.kind === 'attachActive') {
          const attachments = [{ attachment: file('a.ts'), label: 'a.ts' }];
          await on.post({ kind: 'attached', request: said.request, attachments, problem: '' });
        }
        return answerSend('')(said, on);
      },
    });
    await textarea(of).click();
    await of.keyboard.type('/');
    assert.deepEqual(await of.locator('[role=option] .option-label').allTextContents(), [
      '/explain',
      '/fix',
      '/tests',
      '/doc',
      '/new',
      '/commit',
    ]);
    await of.keyboard.press('ArrowDown');
    assert.equal(await of.locator('[role=option][aria-selected=true] .option-label').textContent(), '/fix');
    const active = await textarea(of).getAttribute('aria-activedescendant');
    assert.equal(await of.locator(`#${active} .option-label`).textContent(), '/fix');
    await of.keyboard.press('Enter');
    assert.equal(await textarea(of).inputValue(), '/fix ');
    await of.locator('.composer .chip', { hasText: 'a.ts' }).waitFor();
    await of.keyboard.type('the loop');
    await of.keyboard.press('Enter');
    const { command, text, attachments } = await page.said('send');
    assert.deepEqual(
      { command, text, attachments },
      { command: 'fix', text: 'the loop', attachments: [file('a.ts')] },
    );
  });

  it('asks for new files with what stands behind /new, and sends no message', async () => {
    const of = await open({ host: answerSend('') });
    await textarea(of).click();
    await of.keyboard.type('/ne');
    await of.keyboard.press('Enter');
    assert.equal(await textarea(of).inputValue(), '/new ');
    await of.keyboard.type('a parser of dates');
    await of.keyboard.press('Enter');
    const { text, attachments } = await page.said('newFiles');
    assert.deepEqual({ text, attachments }, { text: 'a parser of dates', attachments: [] });
    assert.equal(await textarea(of).inputValue(), '');
    assert.equal(await of.locator('.message').count(), 0);
  });

  it('gives what is attached to the new files, and has it again where they are not taken up', async () => {
    const of = await open({ host: answerSend('') });
    const compose = (input) =>
      page.post({
        ...{ kind: 'compose', command: '', problem: '' },
        ...{ text: input, attachments: [file('a.ts')], labels: ['src/a.ts'] },
      });
    const chip = of.locator('.composer .chip', { hasText: 'a.ts' });
    await compose('/new a parser');
    await chip.waitFor();
    await textarea(of).press('Enter');
    assert.deepEqual((await page.said('newFiles')).attachments, [file('a.ts')]);
    await chip.waitFor({ state: 'detached' });
    await compose('/new a parser');
    await chip.waitFor();
    assert.equal(await textarea(of).inputValue(), '/new a parser');
  });

  it('chooses context after #, shows tokens and what is left out, and takes chips away by keys', async () => {
    const shown = (attachment) => ({
      ...{ attachment, label: attachment.uri.slice(10), tokens: 1200, wholeTokens: 5000, shown: 'part' },
      ...{ reason: 'Only the beginning fits.', files: [] },
    });
    const of = await open({
      host: async (said, on) => {
        if (said.kind === 'candidates') {
          const items = ['src/a.ts', 'src/b.ts']
            .filter((name) => name.includes(said.query))
            .map((name) => ({ key: name, kind: 'file', label: name.slice(4), detail: 'src' }));
          await on.post({ kind: 'candidates', request: said.request, items, note: '' });
        } else if (said.kind === 'attach') {
          const attachments = [{ attachment: file(said.key), label: said.key }];
          await on.post({ kind: 'attached', request: said.request, attachments, problem: '' });
        } else if (said.kind === 'measure') {
          const context = { tokens: 1300, budget: 1000, summarised: 0, summary: '' };
          await on.post({
            kind: 'measured',
            request: said.request,
            attachments: said.attachments.map(shown),
            context,
          });
        }
        return said.kind !== 'ready';
      },
    });
    await textarea(of).click();
    await of.keyboard.type('look at #fi');
    await of.locator('[role=option]', { hasText: '#file:' }).waitFor();
    await of.keyboard.press('Tab');
    assert.equal(await textarea(of).inputValue(), 'look at #file:');
    await of.keyboard.type('b.t');
    await page.until('b.ts alone', async () => {
      const labels = await of.locator('[role=option] .option-label').allTextContents();
      return labels.length === 1 && labels[0] === 'b.ts';
    });
    await of.keyboard.press('Enter');
    const chip = of.locator('.composer .chip-button');
    await of.locator('.chip-tokens', { hasText: '1,200 of 5,000 tokens' }).waitFor();
    assert.equal(await textarea(of).inputValue(), 'look at ');
    await of.locator('.composer .chip-reason', { hasText: 'Only the beginning fits.' }).waitFor();
    await of.locator('.over', { hasText: '1,300 tokens, and there is room for 1,000' }).waitFor();
    assert.match(await chip.getAttribute('aria-label'), /^Remove src\/b\.ts, 1,200 of 5,000 tokens$/);
    await of.keyboard.press('Shift+Tab');
    await page.until('the chip has the focus', () => chip.evaluate((one) => one === document.activeElement));
    await of.keyboard.press('Delete');
    await chip.waitFor({ state: 'detached' });
  });

  it('edits the last message with arrow up, in its place; Escape leaves it as it was', async () => {
    const of = await open({ conversation: kit.conversation(two()), host: answerSend('') });
    await textarea(of).click();
    await of.keyboard.press('ArrowUp');
    const edit = of.locator('.composer.edit textarea');
    await edit.waitFor();
    assert.equal(await edit.inputValue(), 'First question');
    assert.ok(await of.locator('[data-id=m1]').isHidden());
    await of.keyboard.press('Escape');
    await edit.waitFor({ state: 'detached' });
    await of.locator('[data-id=m1]').waitFor();
    await of.keyboard.press('Tab'); // from the message to its buttons
    await of.keyboard.press('Enter');
    await edit.waitFor();
    await of.keyboard.type(', better');
    await of.keyboard.press('Enter');
    const { after, text, conversation } = await page.said('send');
    assert.deepEqual(
      { after, text, conversation },
      { after: '', text: 'First question, better', conversation: 'c1' },
    );
  });

  it('stops with Escape, continues, answers again, and goes through versions', async () => {
    const writing = [two()[0], kit.message('m2', 'assistant', 'Half', { state: 'writing' })];
    const of = await open({ conversation: kit.conversation(writing), host: answerAll });
    await textarea(of).click();
    await of.keyboard.press('Escape');
    assert.equal((await page.said('stop')).conversation, 'c1');
    await page.show([
      two()[0],
      kit.message('m2', 'assistant', 'Half', { state: 'stopped', versions: ['m0', 'm2'] }),
    ]);
    await of.locator('vscode-button', { hasText: 'Continue' }).click();
    assert.equal((await page.said('continue')).message, 'm2');
    await of.locator('[data-id=m2] [aria-label="Answer again"]').click();
    assert.equal((await page.said('regenerate')).message, 'm2');
    assert.match(await of.locator('[data-id=m2] .versions').textContent(), /2\/2/);
    await of.locator('[data-id=m2] [aria-label="Earlier version"]').click();
    assert.equal((await page.said('select')).message, 'm0');
  });

  async function answerAll(said, on) {
    if ('request' in said && said.kind !== 'measure') {
      await on.post({ kind: 'answer', request: said.request, problem: '' });
    }
  }

  it('shows what happens before the first word', async () => {
    const writing = [two()[0], kit.message('m2', 'assistant', '', { state: 'writing' })];
    const of = await open({ conversation: kit.conversation(writing) });
    const phase = (name, share) =>
      page.post({ kind: 'event', event: { kind: 'progress', id: 'c1', message: 'm2', phase: name, share } });
    await phase('loading', 0);
    await of.locator('footer .speed', { hasText: 'Loading the model…' }).waitFor();
    await phase('reading', 0.43);
    await of.locator('footer .speed', { hasText: 'Prefill 43%' }).waitFor();
    await of.locator('[data-id=m2] .message-state', { hasText: 'Prefill 43%' }).waitFor();
    assert.equal(await of.locator('[data-id=m2] progress').getAttribute('value'), '43');
    const event = {
      kind: 'text',
      id: 'c1',
      message: 'm2',
      part: 'thinking',
      at: 0,
      text: 'Hm.',
      tokens: 5,
      speed: 12.34,
    };
    await page.post({ kind: 'event', event });
    await of.locator('footer .speed', { hasText: '12.3 tokens/s, 5 tokens' }).waitFor();
    await of.locator('[data-id=m2] details summary', { hasText: 'Thinking…' }).waitFor();
    assert.equal(await of.locator('[data-id=m2] details').evaluate((one) => one.open), false);
  });

  it('adds what is asked from elsewhere to what is written already', async () => {
    const of = await open();
    await textarea(of).fill('half a thought');
    const compose = { kind: 'compose', text: '', command: '', labels: ['a.ts'], problem: '' };
    await page.post({ ...compose, attachments: [file('a.ts')] });
    await of.locator('.composer .chip').waitFor();
    assert.equal(await textarea(of).inputValue(), 'half a thought');
    await page.post({ ...compose, command: 'doc', attachments: [file('a.ts')] });
    await page.until('both', async () => (await textarea(of).inputValue()) === '/doc half a thought');
    assert.equal(await of.locator('.composer .chip').count(), 1);
  });

  it('keeps the text, the chips and the place when the page is made anew', async () => {
    const conversation = kit.conversation(
      [...Array(30)].map((_, i) => kit.message(`x${i}`, i % 2 ? 'assistant' : 'user', `Text ${i}\n\nmore`)),
    );
    let of = await open({ conversation });
    await page.post({
      kind: 'compose',
      text: 'half a thought',
      command: 'doc',
      attachments: [file('a.ts')],
      labels: ['a.ts'],
      problem: '',
    });
    await of.locator('.composer .chip').waitFor();
    await of.locator('.messages').hover();
    await of.mouse.wheel(0, -400);
    await page.settle();
    await page.until('it is saved', () => page.state?.top > 0 && page.state.drafts.length === 1);
    const { state } = page;
    await page.close();
    of = await open({ conversation, state });
    await page.until('the text', async () => (await textarea(of).inputValue()) === '/doc half a thought');
    assert.equal(await of.locator('.composer .chip').count(), 1);
    await page.until(
      'the place',
      async () => Math.abs((await of.locator('.messages').evaluate((one) => one.scrollTop)) - state.top) < 60,
    );
  });

  it('drops a state that is not its own', async () => {
    const of = await open({ state: { version: 1, drafts: 'x', __proto__: { list: true } } });
    await textarea(of).waitFor();
    assert.deepEqual(page.errors, []);
  });

  it('lists conversations: search, open, rename, delete, by keys', async () => {
    const all = ['alpha', 'beta', 'gamma'].map((title, i) => ({
      id: title,
      title,
      updatedAt: 1e12 + i,
      messages: 2,
      busy: i === 1,
    }));
    const of = await open({
      host: async (said, on) => {
        if (said.kind === 'list') {
          const conversations = all.filter(({ title }) => title.includes(said.search));
          await on.post({ kind: 'list', request: said.request, conversations, notes: [], problem: '' });
        }
      },
    });
    await page.post({ kind: 'look', at: 'list' });
    await of.locator('.conversation').first().waitFor();
    assert.equal(await of.locator('.conversation').count(), 3);
    await of.keyboard.press('ArrowDown');
    await of.keyboard.press('ArrowDown');
    await of.keyboard.press('F2');
    assert.equal((await page.said('rename')).conversation, 'beta');
    await of.keyboard.press('Delete');
    assert.equal((await page.said('delete')).conversation, 'beta');
    await of.locator('vscode-textfield').click();
    await of.keyboard.type('gam');
    await page.until('one is left', async () => (await of.locator('.conversation').count()) === 1);
    await of.screenshot({ path: join(screenshots, 'chat-page-list.png') });
    await of.keyboard.press('ArrowDown');
    await of.keyboard.press('Enter');
    assert.equal((await page.said('open')).conversation, 'gamma');
    await textarea(of).waitFor();
  });

  it('has no input where nothing can be said, and says what to do', async () => {
    const none = { ...kit.readyModel, state: 'none', name: 'nano', problem: '' };
    const of = await open({ model: none });
    await of.locator('.no-model', { hasText: 'never taught to talk' }).waitFor();
    assert.ok(await textarea(of).isHidden());
    await of.locator('vscode-button', { hasText: 'Import a Chat Model…' }).click();
    assert.equal((await page.said('run')).command, 'importModel');
    await page.post({
      kind: 'model',
      state: { ...none, state: 'failed', problem: 'The file is gone.' },
      problem: '',
    });
    await of.locator('.no-model', { hasText: 'The file is gone.' }).waitFor();
    await page.post({ kind: 'model', state: null, problem: 'The log may say why.' });
    await of.locator('.no-model', { hasText: 'server is not running' }).waitFor();
    await page.post({ kind: 'model', state: { ...none, state: 'asleep' }, problem: '' });
    await textarea(of).waitFor();
  });

  it('shows a change to decide on, and what has become of it', async () => {
    const answer = kit.message('m2', 'assistant', 'In `src/a.ts`:\n\n```ts\nlet a = 1;\n```');
    const question = kit.message('m1', 'user', 'Q', {
      attachments: [attached('a.ts')],
    });
    const of = await open({ conversation: kit.conversation([question, answer]) });
    await of.locator('[data-action=apply]').click();
    const said = await page.said('code');
    assert.deepEqual(
      { text: said.text, path: said.path, language: said.language, attachments: said.attachments },
      { text: 'let a = 1;\n', path: 'src/a.ts', language: 'ts', attachments: [file('a.ts')] },
    );
    await page.post({ kind: 'proposal', request: said.request, state: 'open', label: 'src/a.ts' });
    await of.locator('.code-status vscode-button', { hasText: 'Accept' }).click();
    assert.deepEqual(await page.said('decide'), { kind: 'decide', request: said.request, accept: true });
    await page.post({ kind: 'proposal', request: said.request, state: 'stale', label: 'src/a.ts' });
    await of.locator('.code-status', { hasText: 'nothing was written' }).waitFor();
  });

  it('takes files that are dropped', async () => {
    const of = await open();
    await of.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/uri-list', 'file:///w/a.ts\r\nfile:///w/b.ts');
      document.body.dispatchEvent(
        new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
      );
    });
    assert.deepEqual((await page.said('drop')).uris, ['file:///w/a.ts', 'file:///w/b.ts']);
  });
});
