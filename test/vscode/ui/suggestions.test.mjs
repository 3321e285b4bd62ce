/** What suggestions look like: in the middle of a block, in both editors of a document, at several cursors, in a notebook. */
/* global describe, it, before, after */
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countingFile } from '../workspace.mjs';
import { pictureFailures, Ui, until } from './support.mjs';

const body = [
  '  const rows = db.read();',
  '  const found = rows.filter(isNew);',
  '  return found.map(parse);',
];
const loader = (name) => `export function load${name}(db) {\n${body.join('\n')}\n}\n\n`;

const notebook = {
  cells: [
    {
      cell_type: 'code',
      execution_count: null,
      metadata: { vscode: { languageId: 'typescript' } },
      outputs: [],
      source: ['one', 'two', 'three', 'four', 'five'].map((word) => `console.log('${word}');\n`),
    },
  ],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 2,
};

describe('Suggestions under real keys', function () {
  this.timeout(60_000);
  /** @type {Ui} */
  let ui;

  before(async function () {
    this.timeout(180_000);
    ui = await Ui.start({
      prepare: (workspace) => {
        const loaders = ['Users', 'Orders', 'Items'].map(loader).join('');
        writeFileSync(join(workspace, 'loaders.ts'), loaders);
        writeFileSync(join(workspace, 'windows.ts'), loaders.replaceAll('\n', '\r\n'));
        for (const name of ['cursors.ts', 'split.ts']) {
          copyFileSync(join(workspace, countingFile), join(workspace, name));
        }
        writeFileSync(join(workspace, 'cells.ipynb'), JSON.stringify(notebook));
      },
    });
    await ui.open(countingFile);
    await ui.warmUp();
  });

  after(async () => {
    await ui?.stop();
  });

  pictureFailures(() => ui);

  const press = (keys) => ui.page.keyboard.press(keys);
  /** Also the lines of a suggestion behind its first, which VS Code draws between the lines of the text. */
  const shown = async () => {
    const lines = await ui.page
      .locator('.editor-instance .suggest-preview-text')
      .evaluateAll((all) => all.map((line) => line.textContent));
    return [await ui.suggestion(), ...lines].join('\n').replaceAll('\u00a0', ' ');
  };

  /** Types, and takes back what brought no ghost text: VS Code makes the part that shows it when it finds time. */
  const offered = async (text, wanted = () => true) => {
    await ui.type(text);
    const isShown = await ui.ghostText.waitFor({ timeout: 1_500 }).then(wanted, () => false);
    for (let i = 0; !isShown && i < text.length; i += 1) {
      await press('Backspace');
    }
    return isShown;
  };

  it('show the body of a block in its lines, and Tab takes all of them', async () => {
    for (const [file, lineBreak] of [
      ['loaders.ts', '\n'],
      ['windows.ts', '\r\n'],
    ]) {
      await ui.open(file);
      await ui.type('export function loadNotes(db) {');
      await press('Enter');
      await until(`a suggestion of several lines in ${file}`, () =>
        offered('con', async () => (await shown()).includes('return found.map(parse);')),
      );
      await ui.screenshot(`block-${file}`);
      await press('Tab');
      const text = await ui.save(file);
      assert.ok(
        text.endsWith(['export function loadNotes(db) {', ...body, '}'].join(lineBreak)),
        JSON.stringify(text.slice(-200)),
      );
      assert.equal(/[^\r]\n/.test(text), lineBreak === '\n');
      await press('Control+Z');
      await until('one undo takes it back', async () =>
        (await ui.save(file)).includes('{' + lineBreak + '  con' + lineBreak + '}'),
      );
      await ui.command('View: Close Editor');
    }
  });

  it('are shown at the first cursor of several, and taken without harm to the others', async () => {
    await ui.open('cursors.ts');
    await press('Enter');
    await press('ArrowUp');
    await ui.command('Add Cursor Below');
    await until('ghost text beside several cursors', () => offered('con'));
    await ui.screenshot('several-cursors');
    await press('Tab');
    const lines = (await ui.save('cursors.ts')).split('\n');
    assert.deepEqual(lines.slice(0, 2), ["console.log('one');", "console.log('two');"]);
    assert.equal(lines.length, 7);
    assert.match(lines[5], /^console\.log\('\w+'\);?$/);
    // VS Code completes there as well what begins alike; what it leaves alone is as it was typed.
    assert.match(lines[6], /^con(sole\.log\('\w+'\);?)?$/);
    console.log(`      the second cursor’s line: ${lines[6]}`);
    await press('Escape');
    await ui.command('View: Close Editor');
  });

  it('are drawn in the editor that has the keys, of two of one document', async () => {
    await ui.open('split.ts');
    await ui.command('View: Split Editor');
    await press('Control+End');
    await until('ghost text in the second editor', () => offered('con'));
    await ui.screenshot('two-editors');
    const editors = ui.page.locator('.editor-instance:has([class*="ghost-text-decoration"])');
    assert.equal(await editors.count(), 1);
    await press('Tab');
    await until('the line in both', async () => {
      const lines = await ui.page.locator('.editor-instance .view-line').allTextContents();
      const last = /^console\.log\('\w+'\);?$/;
      return lines.filter((line) => last.test(line)).length === 12;
    });
    await ui.command('View: Close Editor');
    await ui.page.locator('.editor-instance').nth(1).waitFor({ state: 'detached' });
    assert.match(await ui.save('split.ts'), /\nconsole\.log\('\w+'\);?$/);
  });

  it('are drawn in the cell of a notebook', async () => {
    await ui.page.keyboard.press('Control+P');
    await ui.page.locator('.quick-input-widget input').first().fill('cells.ipynb');
    await ui.page.locator('.quick-input-list [role=option]', { hasText: 'cells.ipynb' }).first().waitFor();
    await press('Enter');
    const cell = ui.page.locator('.notebook-editor .cell .monaco-editor').first();
    await cell.waitFor();
    await cell.click();
    await press('Control+End');
    await until('ghost text in the cell', async () => {
      await ui.type('con');
      const ghost = ui.page.locator('.notebook-editor [class*="ghost-text"]').first();
      const isShown = await ghost.waitFor({ timeout: 1_500 }).then(
        () => true,
        () => false,
      );
      for (let i = 0; !isShown && i < 3; i += 1) {
        await press('Backspace');
      }
      return isShown;
    });
    await ui.screenshot('notebook');
    await press('Tab');
    const saved = JSON.parse(await ui.save('cells.ipynb'));
    assert.match(saved.cells[0].source.at(-1), /^console\.log\('\w+'\);?$/);
  });
});
