/**
 * Edits in place and code actions with real keys: the real server with a scripted engine (test/support/scriptedServer.ts), so that what the model says is
 * known and everything else is the product's.
 */
/* global describe, it, before, after, beforeEach, afterEach */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeScriptedExtension } from '../../support/chatExtension.mjs';
import { EditPane, visibleMs } from './editPane.mjs';
import { quickInput, quickTitle } from './quickInput.mjs';
import { pictureFailures, Ui, until } from './support.mjs';

const wrong = `export function add(a: number, b: number): number {
  return a - b;
}

export function twice(a: number): number {
  return add(a, a);
}

export function half(a: number): number {
  return a * 2;
}
`;
const mended = wrong.replace('a - b', 'a + b').replace('a * 2', 'a / 2');
const dos = (text) => text.replaceAll('\n', '\r\n');
const code = (text) => `\`\`\`typescript\n${text}\`\`\``;
const half = 'export function half(a: number): number {\n  return a / 2;\n}\n';
const undeclared = 'export function half(a: number): number {\n  return a / two;\n}\n';
const tests = `import { half } from '../src/math';\n\nconsole.assert(half(4) === 2);\n`;
const lines = [
  { when: 'mend both', say: code(mended) },
  { when: 'Simplify this code|mend the half', say: code(half) },
  // Once more, with what is wrong: no better.
  { when: 'Correct what is wrong|Cannot find', say: code(undeclared) },
  { when: 'undeclared', say: code(undeclared) },
  { when: 'Rename `half`', say: code('export function halved(a: number): number {\n') },
  { when: 'Write tests of this', say: code(tests) },
];

/** The first file under a folder whose path matches. */
function findFile(folder, pattern) {
  const found = readdirSync(folder, { recursive: true }).find((name) => pattern.test(name));
  return found === undefined ? undefined : join(folder, found);
}

describe('Niwaki’s edits', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-edit-'));
  /** @type {Ui} */
  let ui;
  /** @type {EditPane} */
  let pane;
  let extension;

  before(async function () {
    this.timeout(240_000);
    extension = await makeScriptedExtension(folder, lines);
    ui = await Ui.start({
      extension: extension.path,
      env: { ...extension.env, NIWAKI_SCRIPT_MS_PER_TOKEN: '40', NIWAKI_SCRIPT_READ_MS_PER_TOKEN: '1' },
      settings: { 'files.readonlyInclude': { '**/locked.ts': true } },
      machineSettings: { 'niwaki.model.path': join(folder, 'talks.gguf') },
      prepare: (workspace) => {
        writeFileSync(join(workspace, 'src', 'math.ts'), wrong);
        writeFileSync(join(workspace, 'src', 'locked.ts'), wrong);
        writeFileSync(join(workspace, 'src', 'dos.ts'), dos(wrong));
        writeFileSync(join(workspace, 'src', 'gone.ts'), wrong);
      },
    });
    pane = new EditPane(ui);
  });

  after(async () => {
    await ui?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  pictureFailures(() => ui);

  beforeEach(async () => {
    extension.say(lines);
    writeFileSync(join(ui.workspace, 'src', 'math.ts'), wrong);
    await ui.open('math.ts');
    await until('the file as it was', async () => (await pane.lines()).includes('  return a - b;'));
  });

  afterEach(async () => {
    await ui.clearNotifications();
    if ((await ui.page.locator('.tab.dirty').count()) > 0) {
      await pane.toFile('math.ts');
      await ui.revert();
    }
    await ui.command('View: Close All Editors');
  });

  const toHalf = async () => {
    await ui.page.keyboard.press('Control+End');
    await ui.page.keyboard.press('ArrowUp');
    await ui.page.keyboard.press('ArrowUp');
  };

  it('shows a change in the editor’s place, and takes one part of it', async () => {
    await pane.ask('mend both');
    await pane.deciding();
    await ui.screenshot('edit-in-place');
    assert.equal(await pane.count('Accept the change'), 2);
    await ui.page.keyboard.press('Shift+Alt+Y');
    await until('one part left', async () => (await pane.count('Accept the change')) === 1);
    await ui.screenshot('edit-one-left');
    await ui.page.keyboard.press('Shift+Alt+N');
    await pane.closed();
    assert.equal(await pane.fileText('math.ts'), wrong.replace('a - b', 'a + b'));
    await ui.page.keyboard.press('Control+Z');
    assert.equal(await pane.fileText('math.ts'), wrong);
  });

  it('takes all of a change as one edit, and one undo takes it back', async () => {
    await pane.ask('mend both');
    await pane.deciding();
    await ui.page.keyboard.press('Control+Shift+Alt+Y');
    await pane.closed();
    assert.equal(await pane.fileText('math.ts'), mended);
    await ui.page.keyboard.press('Control+Z');
    assert.equal(await pane.fileText('math.ts'), wrong);
  });

  it('carries the change over what is typed while it is written, and gives up the part that was typed in', async () => {
    await pane.ask('mend both');
    await pane.lens('Stop').waitFor({ timeout: visibleMs });
    await pane.toFile('math.ts');
    await ui.page.keyboard.press('Control+Home');
    await ui.page.keyboard.type('const none = 0;\n');
    await ui.page.keyboard.press('Control+End');
    await ui.page.keyboard.press('ArrowUp');
    await ui.page.keyboard.press('ArrowUp');
    await ui.page.keyboard.press('End');
    for (let back = 0; back < 3; back += 1) {
      await ui.page.keyboard.press('ArrowLeft');
    }
    await ui.page.keyboard.type('*');
    await pane.toView();
    await pane.lens('Changed meanwhile').waitFor({ timeout: visibleMs });
    await pane.lens('Accept the change: line 3').waitFor({ timeout: visibleMs });
    await pane.lens('Accept all').waitFor({ timeout: visibleMs });
    await ui.screenshot('edit-changed-meanwhile');
    await ui.page.keyboard.press('Control+Shift+Alt+Y');
    await until('the part that fits is made', async () => (await pane.count('Accept the change')) === 0);
    await pane.lens('Drop it').click();
    await pane.closed();
    const typed = `const none = 0;\n${wrong.replace('a * 2', 'a ** 2')}`;
    assert.equal(await pane.fileText('math.ts'), typed.replace('a - b', 'a + b'));
  });

  it('is of the lines that were meant, wherever they have gone while the question was open', async () => {
    await ui.page.keyboard.press('Control+End');
    for (let line = 0; line < 3; line += 1) {
      await ui.page.keyboard.press('Shift+ArrowUp');
    }
    await ui.page.keyboard.press('Shift+Alt+E');
    await quickTitle(ui).filter({ hasText: 'lines 9 to 11' }).waitFor({ timeout: visibleMs });
    await quickInput(ui).fill('mend the half');
    const text = wrong.replace('export function add', '// one\n// two\nexport function add');
    writeFileSync(join(ui.workspace, 'src', 'math.ts'), text);
    await until('what was written is read', async () => (await pane.lines()).includes('// two'));
    await quickInput(ui).press('Enter');
    await pane.deciding();
    await pane.lens('Accept the change: line 12').waitFor({ timeout: visibleMs });
    await ui.page.keyboard.press('Control+Shift+Alt+Y');
    await pane.closed();
    assert.equal(await pane.fileText('math.ts'), text.replace('a * 2', 'a / 2'));
  });

  it('takes no part that nobody has seen, however often the key is pressed', async () => {
    await pane.ask('mend both');
    await pane.deciding();
    // Held down: the repeats come sooner than any view is drawn anew, which four presses one after another need not.
    const { keyboard } = ui.page;
    await keyboard.down('Shift');
    await keyboard.down('Alt');
    await Promise.all(Array.from({ length: 4 }, () => keyboard.down('Y')));
    await keyboard.up('Y');
    await keyboard.up('Alt');
    await keyboard.up('Shift');
    await until('one part left', async () => (await pane.count('Accept the change')) === 1);
    await ui.page.keyboard.press('Control+Shift+Alt+U');
    await pane.closed();
    assert.equal(await pane.fileText('math.ts'), wrong.replace('a - b', 'a + b'));
  });

  it('says so when the server is killed in the middle, and tries again', async () => {
    await pane.ask('mend both');
    await pane.lens('Writing').first().waitFor({ timeout: visibleMs });
    const [server] = ui.languageServers();
    process.kill(server, 'SIGKILL');
    await pane.lens('process has ended').waitFor({ timeout: visibleMs });
    await ui.screenshot('edit-server-killed');
    await pane.lens('Try again').first().click();
    await quickTitle(ui).filter({ hasText: 'Niwaki: edit' }).waitFor({ timeout: visibleMs });
    assert.equal(await quickInput(ui).inputValue(), 'mend both');
    await ui.page.keyboard.press('Enter');
    await pane.deciding();
    await ui.page.keyboard.press('Control+Shift+Alt+Y');
    await pane.closed();
    assert.equal(await pane.fileText('math.ts'), mended);
  });

  it('marks a change that adds errors, before it is accepted and afterwards', async () => {
    await pane.ask('use what is undeclared', { range: toHalf });
    await pane.lens('adds 1 error').waitFor({ timeout: visibleMs });
    await ui.pictures('edit-adds-error');
    await pane.lens('Accept all').click();
    await pane.closed();
    const message = await ui.notification(/adds 1 error: Cannot find name 'two'/);
    await ui.screenshot('edit-added-error');
    await message.locator('a, .monaco-button', { hasText: 'Undo' }).first().click();
    // No command in between: the undo is of whatever has the focus.
    await until('taken back', async () => (await pane.lines()).includes('  return a * 2;'));
  });

  it('refuses to write into a file that is read-only, and says so', async () => {
    await ui.open('locked.ts');
    await ui.page.keyboard.press('Shift+Alt+E');
    await ui.notification(/locked\.ts is read-only\. Nothing was changed/);
    await ui.screenshot('edit-read-only');
    await ui.clearNotifications();
    // What only the editor knows of.
    await pane.toFile('math.ts');
    await ui.command('File: Set Active Editor Read-only in Session');
    await pane.ask('mend both');
    await pane.deciding();
    await ui.page.keyboard.press('Control+Shift+Alt+Y');
    await ui.notification(/math\.ts is read-only\. Nothing was changed/);
    await ui.clearNotifications();
    await pane.toFile('math.ts');
    assert.ok((await pane.lines()).includes('  return a - b;'));
    await ui.command('File: Reset Active Editor Read-only in Session');
    assert.equal(readFileSync(join(ui.workspace, 'src', 'math.ts'), 'utf8'), wrong);
  });

  it('leaves no view behind that nobody can decide on, when the window is loaded anew', async () => {
    await pane.ask('mend both');
    await pane.deciding();
    const old = await ui.languageServer();
    await ui.command('Developer: Reload Window');
    await until('the old server has ended', () => !ui.languageServers().includes(old), 30_000);
    await ui.ready();
    await until('no view', async () => (await ui.page.locator('.tab[aria-label*="(edit)"]').count()) === 0);
    await pane.toFile('math.ts');
    await pane.ask('mend both');
    await pane.deciding();
  });

  it('rejects what is open when the view is closed', async () => {
    await pane.ask('mend both');
    await pane.deciding();
    await ui.command('View: Close Editor');
    await pane.closed();
    assert.equal(await pane.fileText('math.ts'), wrong);
    await pane.ask('mend both');
    await pane.deciding();
  });

  it('shows a code action’s change in the Refactor Preview', async () => {
    await toHalf();
    await pane.refactor('Niwaki: simplify');
    await pane.preview.waitFor({ timeout: visibleMs });
    await ui.screenshot('edit-refactor-preview');
    await pane.applyPreview();
    assert.equal(await pane.fileText('math.ts'), wrong.replace('a * 2', 'a / 2'));
    await ui.page.keyboard.press('Control+Z');
    assert.equal(await pane.fileText('math.ts'), wrong);
  });

  it('marks a fix that would add errors in the Refactor Preview', async () => {
    writeFileSync(join(ui.workspace, 'src', 'math.ts'), wrong.replace('a * 2', 'a * "2"'));
    await until(
      'the fault is shown',
      async () => (await ui.page.locator('.squiggly-error').count()) > 0,
      60_000,
    );
    await ui.command('Go to Next Problem in Files (Error, Warning, Info)');
    await ui.page.keyboard.press('Escape');
    await pane.showFixes('Ask Niwaki about the problem');
    await ui.screenshot('edit-quick-fixes');
    await ui.page.locator('.action-widget .monaco-list-row', { hasText: 'Fix with Niwaki' }).click();
    await pane.preview.waitFor({ timeout: visibleMs });
    await pane.preview.locator('.codicon-error').first().waitFor({ timeout: visibleMs });
    await ui.notification(/Fix with Niwaki: the change adds 1 error: Cannot find name 'two'/);
    await ui.screenshot('edit-fix-adds-error');
    await ui.clearNotifications();
    await pane.preview.locator('.monaco-button', { hasText: 'Discard' }).click();
    await ui.command('View: Focus Active Editor Group');
    assert.match(await pane.fileText('math.ts'), /a \* "2"/);
  });

  it('writes tests into a file of their own, which the Refactor Preview creates', async () => {
    await toHalf();
    await pane.refactor('Niwaki: write tests for this');
    await pane.preview.waitFor({ timeout: visibleMs });
    await ui.screenshot('edit-tests-preview');
    await pane.applyPreview();
    const made = await until(
      'the new file',
      () => findFile(ui.workspace, /math\.(test|spec)\.ts$|test_?math/i),
      visibleMs,
    );
    await until('its text', () => readFileSync(made, 'utf8').includes('half(4) === 2'), visibleMs);
    // VS Code saves what it has created, and notices only after the file has its text that it is saved: until then it would ask on closing.
    await ui.page.locator('.tab.dirty').waitFor({ state: 'detached', timeout: visibleMs });
  });

  it('renames through the language’s own tools', async () => {
    await ui.page.keyboard.press('Control+End');
    for (let up = 0; up < 3; up += 1) {
      await ui.page.keyboard.press('ArrowUp');
    }
    for (let right = 0; right < 18; right += 1) {
      await ui.page.keyboard.press('ArrowRight');
    }
    await ui.pick('Niwaki: Rename with Niwaki…');
    await quickTitle(ui).filter({ hasText: 'Niwaki: rename half' }).waitFor({ timeout: visibleMs });
    assert.equal(await quickInput(ui).inputValue(), 'halved');
    await ui.page.keyboard.press('Enter');
    await pane.preview.waitFor({ timeout: visibleMs });
    await ui.screenshot('edit-rename-preview');
    await pane.applyPreview();
    assert.equal(await pane.fileText('math.ts'), wrong.replace('half', 'halved'));
  });

  it('keeps the line ends of a file', async () => {
    await ui.open('dos.ts');
    await pane.ask('mend both');
    await pane.deciding();
    await ui.page.keyboard.press('Shift+Alt+J');
    await ui.page.keyboard.press('Shift+Alt+Y');
    await until('one part left', async () => (await pane.count('Accept the change')) === 1);
    await ui.page.keyboard.press('Shift+Alt+Y');
    await pane.closed();
    assert.equal(await pane.fileText('dos.ts'), dos(mended));
    await ui.page.keyboard.press('Control+Z');
    await ui.page.keyboard.press('Control+Z');
    assert.equal(await pane.fileText('dos.ts'), dos(wrong));
  });

  it('edits a document that was never saved', async () => {
    await ui.command('File: New Untitled Text File');
    await ui.page.locator('.tab.active[aria-label^="Untitled-1"]').waitFor();
    await ui.page.keyboard.insertText(wrong);
    // Its language is none, so the fence says none.
    extension.say([{ when: 'mend both', say: `\`\`\`plaintext\n${mended}\`\`\`` }]);
    await pane.ask('mend both');
    await pane.deciding();
    await ui.page.keyboard.press('Control+Shift+Alt+Y');
    await pane.closed();
    await until('the change', async () => (await pane.lines()).includes('  return a + b;'));
    await ui.command('View: Revert and Close Editor');
  });

  it('says so when the file is gone', async () => {
    await ui.open('gone.ts');
    await pane.ask('mend both');
    await pane.deciding();
    // As long as it is open, VS Code keeps its text, and the change could still be made.
    await pane.toFile('gone.ts');
    await ui.command('View: Close Editor');
    rmSync(join(ui.workspace, 'src', 'gone.ts'));
    await pane.toView();
    await ui.page.keyboard.press('Control+Shift+Alt+Y');
    await ui.notification(/gone\.ts is not there any more/);
    await ui.screenshot('edit-file-gone');
    // Nothing is lost: the change is still there to be looked at.
    await ui.clearNotifications();
    // VS Code fetches lenses only for an editor that has the focus.
    await ui.command('View: Focus Active Editor Group');
    await pane.lens('Accept the change').first().waitFor({ timeout: visibleMs });
  });
});
