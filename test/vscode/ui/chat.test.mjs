/** The chat's view as a user has it, with real keys. The server is a scripted one (test/support/chatServer): what it says is known beforehand. */
/* global describe, it, before, after, beforeEach */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { makeChatExtension } from '../../support/chatExtension.mjs';
import { ChatPane, visibleMs } from './chatPane.mjs';
import { pictureFailures, Ui, until } from './support.mjs';

const fence = '```';
const mathText =
  'export function add(a: number, b: number): number {\n  return a - b;\n}\n\nexport const two = add(1, 1);\n';

const script = [
  { match: 'slow', text: 'A slow answer, word by word. '.repeat(80), delayMs: 60, thinking: 'Let me think.' },
  {
    match: 'repair',
    text: `In \`src/math.ts\`, line 2 subtracts:\n\n${fence}ts\nexport function add(a: number, b: number): number {\n  return a + b;\n}\n${fence}\n\nSee src/math.ts:5.`,
  },
  { match: 'snippet', text: `Here:\n\n${fence}ts\nconsole.log('six');\n${fence}` },
  { match: 'refuse', text: '', problem: 'The disk is full.' },
  {
    match: 'links',
    text: 'See [the second line](src/math.ts#L2), src/none.ts:3, [out](../../../../etc/passwd) and [web](https://example.com/a).',
  },
];

describe('Niwaki’s chat', function () {
  this.timeout(90_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-chat-'));
  /** @type {Ui} */
  let ui;
  let extension;

  before(async function () {
    this.timeout(180_000);
    extension = await makeChatExtension(folder, script);
    ui = await Ui.start({
      extension: extension.path,
      env: extension.env,
      prepare: (workspace) => writeFileSync(join(workspace, 'src', 'math.ts'), mathText),
    });
    pane = new ChatPane(ui);
  });

  after(async () => {
    await ui?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  pictureFailures(() => ui);

  /** @type {ChatPane} */
  let pane;
  const chat = () => pane.frame;
  const input = () => pane.input;
  const last = (role) => pane.last(role);
  const answered = (text) => pane.answered(text);
  const newChat = () => pane.newConversation();
  const ask = (text) => pane.ask(text);
  const idle = () =>
    chat()
      .locator('[aria-label="Stop the answer (Escape)"]')
      .waitFor({ state: 'hidden', timeout: visibleMs });
  // Monaco writes spaces as non-breaking ones.
  const inEditor = (text) =>
    ui.page
      .locator('.editor-instance .view-line', { hasText: new RegExp(text.replaceAll(' ', '\\s')) })
      .first();

  async function showChat() {
    await ui.command('Niwaki: Open Chat');
    await input().waitFor({ timeout: visibleMs });
    await pane.focused();
  }

  beforeEach(() => {
    extension.say(script);
  });

  it('opens with the keyboard, sends, and shows the answer as it comes', async () => {
    await showChat();
    await ask('slow please');
    await chat()
      .locator('.message-state, footer', { hasText: 'Prefill 43%' })
      .first()
      .waitFor({ timeout: visibleMs });
    await answered('word by word');
    const early = (await last('assistant').innerText()).length;
    await until('more of it', async () => (await last('assistant').innerText()).length > early + 100);
    await chat().locator('footer .speed', { hasText: 'tokens/s' }).waitFor();
    await ui.screenshot('chat-writing');
  });

  it('stops with Escape, and goes on', async () => {
    await ui.page.keyboard.press('Escape');
    await last('assistant')
      .locator('.message-state', { hasText: 'Stopped.' })
      .waitFor({ timeout: visibleMs });
    const stopped = (await last('assistant').locator('.message-body').innerText()).length;
    await last('assistant').locator('vscode-button', { hasText: 'Continue' }).click();
    await until(
      'more than before',
      async () => (await last('assistant').locator('.message-body').innerText()).length > stopped + 60,
      visibleMs,
    );
    await input().click();
    await ui.page.keyboard.press('Escape');
    await idle();
  });

  it('answers again, and keeps both versions', async () => {
    extension.say([{ match: 'slow', text: 'Another answer.' }]);
    await last('assistant').hover();
    await last('assistant').locator('[aria-label="Answer again"]').click();
    await answered('Another answer.');
    await idle();
    assert.match(await last('assistant').locator('.versions').innerText(), /2\/2/);
    await last('assistant').locator('[aria-label="Earlier version"]').click();
    await answered('word by word');
  });

  it('edits the last message in its place, by keys alone', async () => {
    await showChat();
    await ui.page.keyboard.press('ArrowUp');
    const edit = chat().locator('.composer.edit textarea');
    await edit.waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Shift+Home'); // VS Code takes Ctrl+A for itself, and selects a moment later
    await ui.type('edited');
    await ui.page.keyboard.press('Enter');
    await answered('You said: edited');
    assert.equal(await chat().locator('.message').count(), 2);
    assert.match(await last('user').locator('.versions').innerText(), /2\/2/);
  });

  it('keeps what was written where it could not be sent', async () => {
    await input().fill('');
    await input().click();
    await ui.type('please refuse');
    await ui.page.keyboard.press('Enter');
    await chat()
      .locator('.composer .problem', { hasText: 'The disk is full.' })
      .waitFor({ timeout: visibleMs });
    assert.equal(await input().inputValue(), 'please refuse');
    await input().fill('');
  });

  it('applies code through a difference: rejected, nothing changes; accepted, one undo takes it back', async () => {
    await ui.open('math.ts');
    await newChat();
    await ask('repair it');
    await answered('line 2 subtracts');
    await idle();
    const apply = last('assistant').locator('[data-action=apply]');
    await apply.click();
    await ui.page
      .locator('.tab.active', { hasText: 'in the place of lines 1 to 3' })
      .waitFor({ timeout: visibleMs });
    await ui.page.locator('.monaco-diff-editor').waitFor();
    await inEditor('return a \\+ b').waitFor();
    await ui.screenshot('chat-apply');
    await ui.command('Niwaki: Reject the Change');
    await chat().locator('.code-status', { hasText: 'was not changed' }).waitFor({ timeout: visibleMs });
    assert.equal(readFileSync(join(ui.workspace, 'src', 'math.ts'), 'utf8'), mathText);
    await apply.click();
    await chat().locator('.code-status vscode-button', { hasText: 'Accept' }).click();
    await chat().locator('.code-status', { hasText: 'was changed' }).waitFor({ timeout: visibleMs });
    await ui.page.locator('.monaco-diff-editor').waitFor({ state: 'detached' });
    await inEditor('return a \\+ b').waitFor();
    const saved = await ui.save(join('src', 'math.ts'));
    assert.equal(saved, mathText.replace('a - b', 'a + b'));
    await ui.page.keyboard.press('Control+Z');
    assert.equal(await ui.save(join('src', 'math.ts')), mathText);
  });

  it('writes nothing where the file has changed since the difference was made', async () => {
    await showChat();
    await last('assistant').locator('[data-action=apply]').click();
    await ui.page.locator('.monaco-diff-editor').waitFor({ timeout: visibleMs });
    await chat().locator('.code-status vscode-button', { hasText: 'Accept' }).waitFor({ timeout: visibleMs });
    await ui.page.locator('.tab[aria-label^="math.ts"] .label-name').click();
    await ui.page.locator('.tab.active[aria-label^="math.ts"]').waitFor({ timeout: visibleMs });
    await ui.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
    await ui.page.keyboard.press('Control+Home');
    await ui.type('// mine ');
    await chat().locator('.code-status vscode-button', { hasText: 'Accept' }).click();
    await chat().locator('.code-status', { hasText: 'nothing was written' }).waitFor({ timeout: visibleMs });
    await ui.command('View: Focus Active Editor Group');
    const saved = await ui.save(join('src', 'math.ts'));
    assert.equal(saved, `// mine ${mathText}`);
    writeFileSync(join(ui.workspace, 'src', 'math.ts'), mathText);
  });

  it('inserts code at the cursor, and opens it as a new file', async () => {
    await ui.open('counting.ts');
    await newChat();
    await ask('a snippet');
    await answered('six');
    await idle();
    await last('assistant').locator('[data-action=insert]').click();
    await inEditor("console.log\\('six'\\);").waitFor({ timeout: visibleMs });
    assert.match(await ui.save('counting.ts'), /'five'\);\nconsole\.log\('six'\);$/);
    await last('assistant').locator('[data-action=newFile]').click();
    await ui.page.locator('.tab.active', { hasText: 'Untitled' }).waitFor({ timeout: visibleMs });
    await ui.page.locator('.statusbar-item', { hasText: 'TypeScript' }).first().waitFor();
    await last('assistant').locator('[data-action=copy]').click();
    await chat().locator('.code-status', { hasText: 'Copied.' }).waitFor();
  });

  it('opens files of the workspace by their links, and nothing else without a question', async () => {
    await newChat();
    await ask('the links');
    await answered('the second line');
    await idle();
    await chat().locator('.link', { hasText: 'the second line' }).click();
    await ui.page.locator('.tab.active[aria-label^="math.ts"]').waitFor({ timeout: visibleMs });
    await ui.page.locator('.statusbar-item', { hasText: 'Ln 2, Col 1' }).waitFor();
    await chat().locator('.link', { hasText: 'src/none.ts:3' }).click();
    await chat()
      .locator('.problem', { hasText: 'There is no file src/none.ts' })
      .waitFor({ timeout: visibleMs });
    await chat().locator('.link', { hasText: /^out$/ }).click();
    await chat()
      .locator('.problem', { hasText: 'There is no file ../../../../etc/passwd' })
      .waitFor({ timeout: visibleMs });
    await chat().locator('.message', { hasText: '(https://example.com/a)' }).first().waitFor();
    await chat().locator('.link', { hasText: /^web$/ }).click();
    const dialog = ui.page.locator('.monaco-dialog-box');
    await dialog.filter({ hasText: 'example.com' }).waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('attaches files and symbols after #, and shows their tokens', async () => {
    await newChat();
    await ui.type('about #math');
    const option = chat().locator('[role=option]', { hasText: 'math.ts' }).first();
    await option.waitFor({ timeout: visibleMs });
    await ui.screenshot('chat-attach');
    await ui.page.keyboard.press('Enter');
    await chat().locator('.chip', { hasText: '42 tokens' }).waitFor({ timeout: visibleMs });
    await ui.type('and #folder:');
    await chat().locator('[role=option]', { hasText: 'src' }).first().waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Escape');
    await ui.page.keyboard.press('Enter');
    await last('user').locator('.chip', { hasText: 'math.ts' }).waitFor({ timeout: visibleMs });
    await idle();
  });

  it('lists conversations, finds one, renames it, and asks before it deletes one', async () => {
    await ui.command('Niwaki: Conversations');
    const item = (text) => chat().locator('.conversation', { hasText: text });
    await item('repair it').waitFor({ timeout: visibleMs });
    await ui.screenshot('chat-conversations');
    await ui.type('snippet');
    await until(
      'one conversation',
      async () => (await chat().locator('.conversation').count()) === 1,
      visibleMs,
    );
    await ui.page.keyboard.press('ArrowDown');
    await ui.page.keyboard.press('F2');
    const box = ui.page.locator('.quick-input-widget input').first();
    await box.waitFor();
    await box.fill('Renamed snippet');
    await ui.page.keyboard.press('Enter');
    await item('Renamed snippet').waitFor({ timeout: visibleMs });
    await item('Renamed snippet').focus();
    await ui.page.keyboard.press('Delete');
    const dialog = ui.page.locator('.monaco-dialog-box');
    await dialog.filter({ hasText: 'Renamed snippet' }).waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await item('Renamed snippet').waitFor();
    await item('Renamed snippet').focus();
    await ui.page.keyboard.press('Delete');
    await dialog.locator('.monaco-button', { hasText: 'Delete' }).click();
    await item('Renamed snippet').waitFor({ state: 'detached', timeout: visibleMs });
  });

  it('exports a conversation', async () => {
    await chat().locator('[aria-label="Back to the conversation"]').click();
    await ui.command('Niwaki: Export Conversation as Markdown');
    await ui.page.locator('.tab.active', { hasText: 'Untitled' }).waitFor({ timeout: visibleMs });
    await inEditor('## assistant').waitFor({ timeout: visibleMs });
  });

  it('says what to do where the model cannot chat', async () => {
    extension.say([{ match: 'no model', text: '' }]);
    await ui.command('Niwaki: Restart');
    await chat().locator('.no-model', { hasText: 'This model cannot chat' }).waitFor({ timeout: visibleMs });
    assert.ok(await input().isHidden());
    await ui.screenshot('chat-no-model');
    extension.say(script);
    await ui.command('Niwaki: Restart');
    await input().waitFor({ timeout: visibleMs });
  });

  it('looks right in every kind of theme', async () => {
    await newChat();
    await ask('repair it');
    await answered('line 2 subtracts');
    await idle();
    await ui.pictures('chat');
  });

  it('finds a conversation again after the window was loaded anew in mid-answer, and the draft', async () => {
    await newChat();
    await ask('slow again');
    await answered('word by word');
    await input().click();
    await ui.type('a thought of mine');
    await setTimeout(1_500); // a draft is kept a second later
    await ui.page.reload();
    await ui.ready();
    await showChat();
    await last('assistant').filter({ hasText: 'Interrupted' }).waitFor({ timeout: visibleMs });
    await answered('word by word');
    assert.equal(await input().inputValue(), 'a thought of mine');
    await ui.screenshot('chat-interrupted');
    await last('assistant').locator('vscode-button', { hasText: 'Continue' }).click();
    await chat().locator('[aria-label="Stop the answer (Escape)"]').waitFor({ timeout: visibleMs });
    await input().click();
    await ui.page.keyboard.press('Escape');
    await idle();
  });

  it('has thrown no error, and asked for nothing outside', () => {
    assert.deepEqual(
      ui.errors.filter((text) => /niwaki|Content Security Policy/i.test(text) && !/Niwaki: /.test(text)),
      [],
    );
    // The workbench itself answers for this host: no request leaves the browser.
    const own = /\.vscode-resource\.vscode-cdn\.net\/.*\/dist\/chat\/(page\.js|page\.css|codicon\.ttf)$/;
    assert.deepEqual(
      [...ui.workbench.outside].filter((address) => !own.test(address)),
      [],
    );
  });
});
