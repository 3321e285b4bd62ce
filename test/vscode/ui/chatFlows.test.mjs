/**
 * The chat from end to end with real keys: the real server with a scripted engine (test/support/scriptedServer.ts), so that what the model says is known
 * and everything else is the product's.
 */
/* global describe, it, before, after, beforeEach */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeScriptedExtension } from '../../support/chatExtension.mjs';
import { ChatPane, visibleMs } from './chatPane.mjs';
import { pictureFailures, Ui, until } from './support.mjs';

const mathText =
  'export function add(a: number, b: number): number {\n  return a - b;\n}\n\nexport const two = add(1, 1);\n';
const slow = 'A slow answer, word by word. '.repeat(120);
const lines = [
  { when: 'commit message', say: 'math: add instead of subtracting\n\nTwo was nought.' },
  { when: 'Explain what the code', say: 'It subtracts, see src/math.ts:2.' },
  { when: 'Find out what is wrong', say: 'The sign is wrong.' },
  { when: 'Symbol add in src/math\\.ts:1-3:[^]*return a - b', say: 'I have read the function.' },
  { when: "Problems in src/math\\.ts:[^]*Type 'string' is not assignable", say: 'I have read the problem.' },
  { when: 'slow', say: slow },
  { when: 'fail', fail: 'The engine has a cold.' },
];

describe('Niwaki’s chat with its own server', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-chat-flows-'));
  /** @type {Ui} */
  let ui;
  let extension;
  let workspace;

  before(async function () {
    this.timeout(240_000);
    extension = await makeScriptedExtension(folder, lines);
    ui = await Ui.start({
      extension: extension.path,
      env: { ...extension.env, NIWAKI_SCRIPT_MS_PER_TOKEN: '15', NIWAKI_SCRIPT_READ_MS_PER_TOKEN: '1' },
      settings: { 'git.enabled': true, 'git.openRepositoryInParentFolders': 'never' },
      machineSettings: { 'niwaki.model.path': join(folder, 'talks.gguf') },
      prepare: (path) => {
        workspace = path;
        const git = (...args) =>
          execFileSync(
            'git',
            ['-c', 'user.name=n', '-c', 'user.email=n@n', '-c', 'commit.gpgsign=false', ...args],
            { cwd: path },
          );
        git('init', '--quiet');
        git('add', '.');
        git('commit', '--quiet', '--message', 'first');
        writeFileSync(join(path, 'src', 'math.ts'), mathText);
        git('add', 'src/math.ts');
      },
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
  const last = (role) => pane.last(role);
  const answered = (text) => pane.answered(text);
  const newChat = () => pane.newConversation();
  const ask = (text) => pane.ask(text);

  beforeEach(() => {
    extension.say(lines);
  });

  it('answers, with figures of its own', async () => {
    await newChat();
    await ask('Hello there');
    await answered('Hello there');
    await chat().locator('footer', { hasText: 'Scripted' }).waitFor({ timeout: visibleMs });
    await until('the context used', async () =>
      /\d+ of [\d,]+ tokens/.test(await chat().locator('footer').innerText()),
    );
  });

  it('says what went wrong, and keeps the question', async () => {
    await newChat();
    await ask('fail please');
    await last('assistant').filter({ hasText: 'The engine has a cold.' }).waitFor({ timeout: visibleMs });
    await last('user').filter({ hasText: 'fail please' }).waitFor();
    assert.equal(await chat().locator('.message').count(), 2);
  });

  it('explains what is selected, from the editor', async () => {
    await ui.open('math.ts');
    await ui.page.keyboard.press('Control+Home');
    await ui.command('Niwaki: Explain Selection or Function');
    await answered('It subtracts');
    const question = await last('user').innerText();
    assert.match(question, /math\.ts/);
    await last('assistant').locator('a, [role=link]', { hasText: 'src/math.ts:2' }).first().waitFor();
    await ui.screenshot('chat-explain');
  });

  /** Chooses what is found for the words that stand in the input, and asks. */
  async function attach(words, option, chip) {
    await newChat();
    await ui.type(`look at ${words}`);
    await chat().locator('[role=option]', { hasText: option }).first().waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Enter');
    await chat().locator('.composer.main .chip', { hasText: chip }).waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Enter');
  }

  it('shows the model a symbol that is attached', async () => {
    await ui.open('math.ts');
    await attach('#symbol:add', 'add', 'add (src/math.ts:1-3)');
    await answered('I have read the function.');
  });

  it('shows the model problems that are attached', async () => {
    const path = join(workspace, 'src', 'math.ts');
    writeFileSync(path, `${mathText}export const word: number = 'one';\n`);
    try {
      const marks = () => ui.page.locator('.squiggly-error').count();
      await until('the fault is shown', async () => (await marks()) > 0, 60_000);
      await attach('#problems:math', 'math.ts', 'Problems: src/math.ts');
      await ui.screenshot('chat-problems');
      await answered('I have read the problem.');
    } finally {
      writeFileSync(path, mathText);
    }
  });

  it('writes a commit message into the source control view, and only there', async () => {
    await ui.command('Niwaki: Write Commit Message');
    await ui.page.locator('.activitybar a[aria-label^="Source Control"]').first().click({ force: true });
    const box = ui.page.locator('.scm-editor .view-lines').first();
    await until(
      'the message',
      async () => /math: add instead/.test((await box.innerText()).replaceAll('\u00a0', ' ')),
      visibleMs,
    );
    await ui.screenshot('chat-commit');
    const log = execFileSync('git', ['log', '--oneline'], { cwd: workspace, encoding: 'utf8' });
    assert.equal(log.trim().split('\n').length, 1, 'nothing is committed');
  });

  it('finds the conversation again, with what there was of the answer, when the server is killed', async () => {
    await newChat();
    await ask('slow please');
    await answered('word by word');
    await sleep(1_000);
    const said = (await last('assistant').locator('.message-body').innerText()).length;
    const [server] = ui.languageServers();
    assert.ok(server, 'the server runs');
    process.kill(server, 'SIGKILL');
    await last('assistant')
      .locator('.message-state', { hasText: /interrupted/i })
      .waitFor({ timeout: visibleMs });
    const length = async () => (await last('assistant').locator('.message-body').innerText()).length;
    // The page shows a text over several frames.
    await until(`more than half of ${said} characters`, async () => (await length()) > said / 2, visibleMs);
    const kept = await length();
    await last('assistant').locator('vscode-button', { hasText: 'Continue' }).click();
    await until('more of it', async () => (await length()) > kept + 50, visibleMs);
    await ui.page.keyboard.press('Escape');
  });

  it('leaves the files alone', () => {
    assert.equal(readFileSync(join(workspace, 'src', 'math.ts'), 'utf8'), mathText);
  });
});
