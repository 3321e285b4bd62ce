/**
 * Files from prompts with real keys: the real server with a scripted engine, which says under the masks what it is told to; the plan, the previews, the
 * decision and the files on the disk are the product's.
 */
/* global describe, it, before, after, beforeEach, afterEach, getComputedStyle */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeScriptedExtension } from '../../support/chatExtension.mjs';
import { ChatPane, visibleMs } from './chatPane.mjs';
import { askBy, quickInput } from './quickInput.mjs';
import { pictureFailures, Ui, until } from './support.mjs';

const head = '// Copyright 2025 The Orchard\n// SPDX-License-Identifier: MIT\n';
const present = {
  'lib/date-range.ts': `${head}\nexport interface DateRange {\n\tfrom: Date;\n\tto: Date;\n}\n`,
  'lib/date-parts.ts': `${head}\nexport function year(date: Date): number {\n\treturn date.getFullYear();\n}\n`,
  'lib/app-shell.ts': `${head}\nexport const shell = {\n\ttitle: 'Orchard',\n};\n`,
};
const block = (type, text) => `\`\`\`${type}\n${text}\`\`\``;
const parser = 'export function parseDate(text: string): Date {\n  return   new Date(text);\n}\n';
const formattedParser = `${head}\nexport function parseDate(text: string): Date {\n\treturn new Date(text);\n}\n`;
const tests =
  "import { parseDate } from '../parse-dates';\n\nconsole.assert(parseDate('2025-01-01').getFullYear() === 2025);\n";
const parts = 'export function year(date: Date): number {\n  return date.getUTCFullYear();\n}\n';
const long = 'export const many = [\n' + "  'one after the other',\n".repeat(150) + '];\n';
const lines = [
  {
    when: 'dates[^]*List the files',
    say: '- lib/parseDates.ts: parses dates\n- lib/parse-dates.test.ts: its tests\n- lib/notes.md: notes about it',
  },
  { when: 'year in UTC[^]*List the files', say: '- lib/date-parts.ts: years in UTC' },
  { when: 'two lists[^]*List the files', say: '- lib/short.ts: a short one\n- lib/many.ts: a long one' },
  { when: 'one list[^]*List the files', say: '- lib/short.ts: a short one' },
  // Only where it is attached.
  {
    when: 'File lib/app-shell.ts:[^]*such a shell[^]*List the files',
    say: '- lib/short.ts: a short one',
  },
  {
    when: 'a mixture[^]*List the files',
    say: '- lib/short.ts: a short one\n- lib/date-parts.ts: years in UTC',
  },
  {
    when: 'a full disk[^]*List the files',
    say: '- lib/date-parts.ts: years in UTC\n- lib/short.ts: a short one\n- full/many.ts: a long one',
  },
  { when: 'Write full/many.ts', say: block('ts', long.repeat(2)) },
  { when: 'nothing[^]*List the files', fail: 'The engine has a cold.' },
  { when: 'Write lib/parse-dates.ts', say: block('ts', parser) },
  { when: 'Write lib/dates/parse-dates.test.ts', say: block('ts', tests) },
  { when: 'Write lib/date-parts.ts', say: block('ts', parts) },
  { when: 'Write lib/short.ts', say: block('ts', 'export const short = 1;\n') },
  { when: 'Write lib/many.ts', say: block('ts', long) },
];

describe('Niwaki’s new files', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-new-files-'));
  /** @type {Ui} */
  let ui;
  let workspace;
  let extension;

  /** A disk of its own, which can be filled. */
  let small;
  let hasSmallDisk = false;
  function makeSmallDisk() {
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
      hasSmallDisk = true;
    } catch {
      hasSmallDisk = false;
    }
  }
  function fill(file) {
    try {
      writeFileSync(file, Buffer.alloc(1 << 20));
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
  }

  before(async function () {
    this.timeout(240_000);
    extension = await makeScriptedExtension(folder, lines);
    ui = await Ui.start({
      extension: extension.path,
      env: { ...extension.env, NIWAKI_SCRIPT_MS_PER_TOKEN: '4' },
      settings: { 'typescript.validate.enable': false },
      machineSettings: { 'niwaki.model.path': join(folder, 'talks.gguf') },
      prepare: (path) => {
        workspace = path;
        small = join(path, 'full');
        makeSmallDisk(); // before VS Code starts: what is mounted later, it may not see
        for (const [name, text] of Object.entries(present)) {
          mkdirSync(dirname(join(path, name)), { recursive: true });
          writeFileSync(join(path, name), text);
        }
      },
    });
    await ui.open('date-range.ts'); // TypeScript's formatter starts with its first file
    await ui.page.locator('.statusbar-item', { hasText: 'TypeScript' }).first().waitFor();
    await ui.command('View: Close All Editors');
  });

  after(async () => {
    if (hasSmallDisk) {
      execFileSync('umount', ['-l', small]);
    }
    await ui?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  pictureFailures(() => ui);

  const inLib = () => readdirSync(join(workspace, 'lib'), { recursive: true }).sort();
  const read = (name) => readFileSync(join(workspace, name), 'utf8');
  const tab = (name) => ui.page.locator(`.tab[aria-label*="${name}"]`);
  const lens = (text) => ui.page.locator('.codelens-decoration a', { hasText: text }).first();
  const planLine = (hasText) => ui.page.locator('.editor-instance .view-line', { hasText }).first();
  /** What stands behind a line of the plan; it is no text of it. */
  const remark = (text) =>
    until(
      `a remark: ${text}`,
      () =>
        ui.page
          .locator('.editor-instance .view-line span')
          .evaluateAll(
            (all, wanted) => all.some((one) => getComputedStyle(one, '::after').content.includes(wanted)),
            text,
          ),
      visibleMs,
    );
  const gone = () =>
    until('nothing is open any more', async () => (await ui.page.locator('.tab').count()) === 0, visibleMs);
  const onlyPresent = () => until('what was there before', () => inLib().length === 3, visibleMs);

  beforeEach(async () => {
    await ui.clearNotifications();
    // What a test that failed has left.
    const discard = ui.page.locator(
      '.editor-actions a.action-label[aria-label*="Discard the Written Files"]',
    );
    if ((await discard.count()) > 0) {
      await discard.first().click();
    }
    await until(
      'nothing is open',
      async () => {
        await ui.command('View: Close All Editors');
        await sleep(300); // what was created may still be opening
        return (await ui.page.locator('.tab').count()) === 0;
      },
      visibleMs,
    );
  });

  afterEach(() => {
    for (const name of readdirSync(join(workspace, 'lib'))) {
      if (present[`lib/${name}`] === undefined) {
        rmSync(join(workspace, 'lib', name), { recursive: true });
      }
    }
    assert.equal(read('lib/date-range.ts'), present['lib/date-range.ts']);
  });

  /** Has the files created, and waits until they are shown. */
  async function create(title, first) {
    await lens(title).click();
    await until(
      'the first file is shown',
      async () => {
        const active = ui.page.locator(`.tab.active[aria-label^="${first}"]`);
        return (await active.count()) === 1 && (await lens('Discard').count()) === 0;
      },
      visibleMs,
    );
  }

  /** Asks, and waits for the plan. */
  async function plan(request) {
    await askBy(ui, 'Niwaki: Generate File…', 'Generate Files');
    await quickInput(ui).fill(request);
    await ui.page.keyboard.press('Enter');
    await tab('Plan of New Files').waitFor({ timeout: visibleMs });
    await lens('Write these files').waitFor({ timeout: visibleMs });
    await ui.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  }

  it('writes a scaffold as its plan was edited, and one undo takes all of it back', async () => {
    await plan('a parser of dates');
    await planLine('lib/parse-dates.ts — parses dates').waitFor(); // named as its neighbours are
    assert.deepEqual(inLib().length, 3, 'nothing is written');
    // The second file goes into a folder of its own, the third line goes.
    await ui.page.keyboard.press('ArrowDown');
    await ui.page.keyboard.press('Home');
    for (let i = 0; i < 'lib/'.length; i += 1) {
      await ui.page.keyboard.press('ArrowRight');
    }
    await ui.type('dates/');
    await ui.page.keyboard.press('ArrowDown');
    await ui.page.keyboard.press('Control+Shift+K');
    await planLine('lib/dates/parse-dates.test.ts — its tests').waitFor();
    await until('nothing is to be saved', async () => (await ui.page.locator('.tab.dirty').count()) === 0);
    await sleep(500);
    await ui.screenshot('files-plan');
    await lens('Write these files').click();
    await lens('Create 2 Files').waitFor({ timeout: visibleMs });
    assert.equal(await tab('Plan of New Files').count(), 0);
    assert.deepEqual(inLib().length, 3, 'nothing is written');
    await tab('parse-dates.ts').first().click();
    await planLine('SPDX-License-Identifier').waitFor();
    await ui.screenshot('files-preview');
    await create('Create 2 Files', 'parse-dates.ts');
    await until('both files', () => inLib().length === 6, visibleMs); // with their folder
    assert.equal(read('lib/parse-dates.ts'), formattedParser);
    assert.equal(read('lib/dates/parse-dates.test.ts'), `${head}\n${tests}`);
    await ui.page.locator('.tab.active[aria-label^="parse-dates.ts"]').waitFor({ timeout: visibleMs });
    assert.equal(await ui.page.locator('.tab.dirty').count(), 0);
    await sleep(300);
    await ui.screenshot('files-created');
    await ui.page.locator('.editor-instance .monaco-editor').first().click();
    await ui.page.keyboard.press('Control+Z');
    await until(
      'both are gone',
      () => !existsSync(join(workspace, 'lib/parse-dates.ts')) && !existsSync(join(workspace, 'lib/dates')), // with the folder that was made for it
      visibleMs,
    );
    // The user sees it, too, as soon as VS Code has noticed.
    const row = ui.page.locator('.explorer-folders-view .monaco-list-row[aria-label^="dates"]');
    await row.waitFor({ state: 'detached', timeout: visibleMs });
    await ui.screenshot('files-undone');
  });

  it('shows a difference where a file is there, and changes it as one edit', async () => {
    await plan('the year in UTC');
    await remark('exists: you will see a difference');
    await ui.screenshot('files-exists');
    await lens('Write these files').click();
    const create = ui.page.locator('.editor-actions a.action-label[aria-label*="Create the Written Files"]');
    await create.first().waitFor({ timeout: visibleMs });
    await ui.page.locator('.diff-editor, .monaco-diff-editor').first().waitFor();
    await sleep(500);
    await ui.screenshot('files-difference');
    assert.equal(read('lib/date-parts.ts'), present['lib/date-parts.ts']);
    await create.first().click();
    await ui.page.locator('.tab.active.dirty[aria-label^="date-parts.ts"]').waitFor({ timeout: visibleMs });
    await planLine('getUTCFullYear').waitFor();
    await ui.page.locator('.editor-instance .monaco-editor').first().click();
    await ui.page.keyboard.press('Control+Z');
    await ui.page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    assert.equal(read('lib/date-parts.ts'), present['lib/date-parts.ts']);
  });

  it('makes and changes files as one: one undo takes back both', async () => {
    await plan('a mixture');
    await lens('Write these files').click();
    await ui.page
      .locator('.editor-actions a.action-label[aria-label*="Create the Written Files"]')
      .first()
      .waitFor({ timeout: visibleMs });
    await tab('short.ts').first().click(); // a difference shows no lenses
    await lens('Create 2 Files').waitFor({ timeout: visibleMs });
    await create('Create 2 Files', 'short.ts');
    await tab('date-parts.ts').and(ui.page.locator('.dirty')).waitFor({ timeout: visibleMs });
    assert.equal(inLib().length, 4);
    await ui.page.locator('.editor-instance .monaco-editor').first().click();
    await ui.page.keyboard.press('Control+Z');
    await onlyPresent();
    await until('nothing is changed', async () => (await ui.page.locator('.tab.dirty').count()) === 0);
    assert.equal(read('lib/date-parts.ts'), present['lib/date-parts.ts']);
  });

  it('loses nothing when the disk is full', async function () {
    if (!hasSmallDisk) {
      this.skip(); // only an administrator may make a small disk
    }
    const filler = join(small, 'filler');
    fill(filler);
    await plan('a full disk');
    await lens('Write these files').click();
    await ui.page
      .locator('.editor-actions a.action-label[aria-label*="Create the Written Files"]')
      .first()
      .waitFor({ timeout: 60_000 });
    await tab('short.ts').first().click(); // a difference shows no lenses
    await lens('Create 3 Files').waitFor({ timeout: visibleMs });
    await lens('Create 3 Files').click();
    await ui.notification('The system has refused to write');
    await ui.screenshot('files-full-disk');
    await ui.clearNotifications();
    assert.deepEqual(readdirSync(small), ['filler'], 'nothing is left of it');
    await onlyPresent();
    assert.equal(await ui.page.locator('.tab.dirty').count(), 0, 'nor was anything changed');
    rmSync(filler);
    await tab('short.ts').first().click();
    await create('Create 3 Files', 'short.ts');
    await until('both files', () => existsSync(join(small, 'many.ts')) && inLib().length === 4, visibleMs);
    assert.ok(readFileSync(join(small, 'many.ts'), 'utf8').endsWith('];\n'));
    await ui.page.locator('.editor-instance .monaco-editor').first().click();
    await ui.page.keyboard.press('Control+Z');
    await onlyPresent();
    await until('nothing is changed', async () => (await ui.page.locator('.tab.dirty').count()) === 0);
  });

  it('says of a path why it is refused, while it is typed, and writes nothing', async () => {
    await plan('one list');
    await ui.page.keyboard.press('Home');
    await ui.type('../');
    await remark('refused: ');
    await ui.screenshot('files-refused');
    await lens('Write these files').click();
    await ui.notification('Line 5 of the plan');
    await ui.clearNotifications();
    assert.equal(await tab('Plan of New Files').count(), 1);
    // Closing it is enough, and asks nothing.
    await ui.command('View: Close Editor');
    await gone();
    assert.equal(await ui.page.locator('.monaco-dialog-box').count(), 0);
    await onlyPresent();
  });

  it('keeps what was written when the server is killed, and goes on', async () => {
    await plan('two lists');
    await lens('Write these files').click();
    await tab('many.ts').waitFor({ timeout: visibleMs });
    await planLine('one after the other').waitFor({ timeout: visibleMs });
    process.kill(await ui.languageServer(), 'SIGKILL');
    await ui.notification('1 of 2 files are written');
    await ui.screenshot('files-killed');
    await ui.clearNotifications();
    await tab('short.ts').first().click();
    await lens('Create the File').waitFor();
    await onlyPresent();
    await lens('Try Again').click();
    await lens('Create 2 Files').waitFor({ timeout: 60_000 });
    await create('Create 2 Files', 'short.ts');
    await until('both files', () => inLib().length === 5, visibleMs);
    assert.ok(read('lib/many.ts').split('\n').length > 150);
  });

  it('creates what there is of a scaffold that was cancelled', async () => {
    await plan('two lists');
    await lens('Write these files').click();
    await tab('many.ts').waitFor({ timeout: visibleMs });
    await ui.command('Niwaki: Cancel Generating Files');
    await lens('Create the File').waitFor({ timeout: visibleMs });
    assert.equal(await tab('many.ts').count(), 0, 'a half file is no file');
    await create('Create the File', 'short.ts');
    await until('one file', () => inLib().length === 4, visibleMs);
    assert.equal(read('lib/short.ts'), `${head}\nexport const short = 1;\n`);
  });

  it('overwrites nothing that somebody else has made meanwhile', async () => {
    await plan('one list');
    await lens('Write these files').click();
    await lens('Create the File').waitFor({ timeout: visibleMs });
    writeFileSync(join(workspace, 'lib', 'short.ts'), 'theirs\n');
    await lens('Create the File').click();
    await ui.notification('Somebody has made it meanwhile');
    await ui.clearNotifications();
    assert.equal(read('lib/short.ts'), 'theirs\n');
    await ui.page.locator('.monaco-diff-editor').first().waitFor();
    await ui.screenshot('files-meanwhile');
    await ui.command('Niwaki: Discard the Written Files');
    await gone();
    assert.equal(read('lib/short.ts'), 'theirs\n');
  });

  it('says what went wrong with a plan, and lets the user write it', async () => {
    await askBy(ui, 'Niwaki: Generate File…', 'Generate Files');
    await quickInput(ui).fill('nothing');
    await ui.page.keyboard.press('Enter');
    const said = await ui.notification('The engine has a cold.');
    await said.locator('.monaco-button', { hasText: 'Write the Plan Myself' }).click();
    await tab('Plan of New Files').waitFor({ timeout: visibleMs });
    await lens('Cancel').click();
    await gone();
  });

  it('takes a request from the chat', async () => {
    const pane = new ChatPane(ui);
    await pane.newConversation();
    const chip = pane.frame.locator('.composer.main .chip', { hasText: 'app-shell.ts' });
    await ui.type('/new such a shell #file:app-sh');
    await pane.frame.locator('[role=option]', { hasText: 'app-shell.ts' }).waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Enter');
    await chip.waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Enter');
    await tab('Plan of New Files').waitFor({ timeout: visibleMs });
    await planLine('With: lib/app-shell.ts').waitFor({ timeout: visibleMs });
    await planLine('lib/short.ts — a short one').waitFor({ timeout: visibleMs });
    assert.equal(await pane.input.inputValue(), '');
    assert.equal(await chip.count(), 0);
    await ui.screenshot('files-chat');
    // One at a time: what is asked for meanwhile is not lost. The button does what Enter does.
    await pane.input.fill('/new two lists');
    await pane.frame.locator('.composer.main button[aria-label^="Send"]').click();
    await ui.notification('This plan is open');
    await until('the request is back', async () => (await pane.input.inputValue()) === '/new two lists');
    assert.equal(await pane.frame.locator('.message').count(), 0);
    await ui.clearNotifications();
    await pane.input.fill('');
    await tab('Plan of New Files').click();
    await lens('Cancel').click();
    await gone();
  });

  it('is in the explorer’s menu of a folder', async () => {
    await ui.command('View: Show Explorer');
    const entry = ui.page.locator('.explorer-folders-view .monaco-list-row[aria-label^="lib"]').first();
    await entry.click({ button: 'right' });
    const item = ui.page.locator('.monaco-menu .action-label', { hasText: 'Generate File…' }).first();
    await item.waitFor({ timeout: visibleMs });
    await sleep(500); // a menu that has just opened takes no click
    await item.click();
    await ui.page
      .locator('.quick-input-title', { hasText: 'Generate Files in lib' })
      .waitFor({ timeout: visibleMs });
    await quickInput(ui).fill('one list');
    await ui.page.keyboard.press('Enter');
    await planLine('lib/short.ts').waitFor({ timeout: visibleMs });
    await ui.command('View: Close Editor');
    await gone();
  });
});
