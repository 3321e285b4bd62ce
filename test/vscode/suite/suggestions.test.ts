/** Ghost text in all the places and ways in which VS Code shows and takes it. What it looks like is tested under ui/. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import {
  acceptGhostText,
  atRest,
  closeEditors,
  completesIn,
  configure,
  counting,
  countingLine,
  offersGhostText,
  openFile,
  openFileAt,
  pathIn,
  ready,
  running,
  sleep,
  startAnotherLine,
  type,
  until,
  warmUp,
  workspacePath,
} from './support';

/** Functions of one shape; the last one has been begun. '|' is the cursor. */
function loaders(names: readonly string[], begun: string): string {
  const whole = names.map(
    (name) =>
      `export function load${name}(db) {\n  const rows = db.read();\n  const found = rows.filter(isNew);\n  return found.map(parse);\n}\n\n`,
  );
  return `${whole.join('')}${begun}`;
}

function inFolder(name: string): vscode.Uri {
  return vscode.Uri.file(workspacePath(name));
}

/** Opens a new file with the cursor at its '|'. */
async function openAt(marked: string, suffix = '.ts'): Promise<vscode.TextEditor> {
  const editor = await openFile(marked.replace('|', ''), suffix);
  const place = editor.document.positionAt(marked.indexOf('|'));
  editor.selection = new vscode.Selection(place, place);
  return editor;
}

/** Runs a command of ghost text until it changes the document: it does nothing while there is none. */
async function acceptBy(command: string, { document }: vscode.TextEditor, ms = 10_000): Promise<void> {
  const { version } = document;
  await until(
    `ghost text for ${command}`,
    async () => {
      await vscode.commands.executeCommand(command);
      return document.version !== version;
    },
    ms,
  );
}

function lastLine({ document }: vscode.TextEditor): string {
  return document.lineAt(document.lineCount - 1).text;
}

describe('Suggestions', function () {
  this.timeout(90_000); // more than all that is waited for in one of them, which says what did not come

  before(async function () {
    this.timeout(60_000);
    await configure('completion.eagerness', 'more'); // how sure suggestions must be is not the matter here
    await ready();
    await warmUp();
  });

  after(() => configure('completion.eagerness', undefined));

  afterEach(closeEditors);

  it('are taken word by word', async () => {
    const editor = await openFile(counting);
    await type('con');
    await acceptBy('editor.action.inlineSuggest.acceptNextWord', editor);
    const word = lastLine(editor);
    assert.ok(word.length > 3 && word.length < "console.log('six');".length, word);
    assert.ok('console.log('.startsWith(word), word);
    assert.match(await acceptGhostText(editor), countingLine);
  });

  it('are taken back by one undo', async () => {
    const editor = await openFile(counting);
    await type('con');
    await acceptGhostText(editor);
    await vscode.commands.executeCommand('undo');
    await until('the text as it was typed', () => lastLine(editor) === 'con');
    assert.equal(editor.document.getText(), `${counting}con`);
    await vscode.commands.executeCommand('redo');
    await until('the suggestion again', () => countingLine.test(lastLine(editor)));
  });

  it('have several lines where the body of a block is to be written, and are taken line by line', async () => {
    const text = loaders(['Users', 'Orders'], 'export function loadNotes(db) {\n  |\n}\n');
    const editor = await openAt(text);
    await type('con');
    await acceptBy('editor.action.inlineSuggest.acceptNextLine', editor);
    const taken = editor.document.getText();
    assert.match(taken, /loadNotes\(db\) \{\n {2}const rows = db\.read\(\);\s*\}\n$/, 'one line was taken');
    await acceptBy('editor.action.inlineSuggest.commit', editor);
    const whole = editor.document.getText();
    assert.match(
      whole,
      /loadNotes\(db\) \{\n {2}const rows = db\.read\(\);\n {2}const found = rows\.filter\(isNew\);\n {2}return found\.map\(parse\);\n\}\n$/,
    );
  });

  it('can be gone through: others come when they are asked for', async () => {
    const texts: string[] = [];
    // VS Code does not tell when the others are there: whoever goes on before stays, and with two there are the second step leads back.
    for (const steps of [0, 1, 2, 1, 2, 1, 2]) {
      if (texts.length > 1 && texts[0] !== texts.at(-1)) {
        break;
      }
      const editor = await openFile(counting);
      await type('con');
      await until('the model has answered', async () => (await running()).status.state === 'ready');
      await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
      for (let i = 0; i < steps; i += 1) {
        const before = (await running()).status.counters.requests;
        await vscode.commands.executeCommand('editor.action.inlineSuggest.showNext');
        // The first step asks for the others, a later one need not.
        await until(
          'the others, or nothing more to come',
          async () => (await running()).status.counters.requests > before,
          1_000,
        ).catch(() => undefined);
        await until('the model has answered', async () => (await running()).status.state === 'ready');
        await sleep(100); // until VS Code has them
      }
      texts.push(await acceptGhostText(editor, 10_000));
      await closeEditors();
    }
    assert.notEqual(texts[0], texts.at(-1));
    assert.ok(
      texts.every((text) => text.startsWith('con')),
      texts.join(' | '),
    );
  });

  it('come in both editors of one document', async () => {
    const first = await openFile(counting);
    const { document } = first;
    const second = await vscode.window.showTextDocument(document, vscode.ViewColumn.Beside);
    assert.equal(second.document, document);
    const end = document.lineAt(document.lineCount - 1).range.end;
    second.selection = new vscode.Selection(end, end);
    await completesIn(second);
    assert.match(first.document.lineAt(first.document.lineCount - 1).text, countingLine);
    await startAnotherLine(second);
    const back = await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    const last = document.lineAt(document.lineCount - 1).range.end;
    back.selection = new vscode.Selection(last, last);
    await completesIn(back);
  });

  it('go on in a file that is renamed while it is open, under its new name', async () => {
    await completesIn(await openFileAt(inFolder('before.ts'), counting));
    await vscode.window.activeTextEditor?.document.save();
    const edit = new vscode.WorkspaceEdit();
    edit.renameFile(inFolder('before.ts'), inFolder('after.ts'));
    assert.ok(await vscode.workspace.applyEdit(edit));
    const editor = await until('the editor of the renamed file', () => {
      const active = vscode.window.activeTextEditor;
      return active?.document.uri.path.endsWith('/after.ts') === true && active;
    });
    await vscode.window.showTextDocument(editor.document); // it does not have the keys by itself
    // It is a new editor, whose part for ghost text VS Code makes when it finds time.
    await until(
      'ghost text in the renamed file',
      async () => {
        await startAnotherLine(editor);
        await type('con');
        return offersGhostText(editor, 1_500);
      },
      15_000,
    );
    const { lastPrompt } = await running();
    assert.ok(lastPrompt !== null);
    assert.equal(pathIn(lastPrompt), 'after.ts');
  });

  it('follow a document that changes its language', async () => {
    const editor = await openFile(counting);
    await completesIn(editor);
    await vscode.languages.setTextDocumentLanguage(editor.document, 'plaintext'); // off unless the user says otherwise
    // What was asked for or shown before the change may be there still, and goes on while its text is typed.
    await until('no ghost text any more', async () => {
      await startAnotherLine(editor);
      await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
      await type('con');
      return !(await offersGhostText(editor, 1_000));
    });
    await startAnotherLine(editor);
    await vscode.languages.setTextDocumentLanguage(editor.document, 'javascript');
    await completesIn(editor);
  });

  it('come in the cell of a notebook', async () => {
    const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, counting, 'typescript');
    const notebook = await vscode.workspace.openNotebookDocument(
      'jupyter-notebook',
      new vscode.NotebookData([cell]),
    );
    await vscode.window.showNotebookDocument(notebook);
    await vscode.commands.executeCommand('notebook.cell.edit');
    const editor = await until('the cell’s editor', () => {
      const active = vscode.window.activeTextEditor;
      return active?.document.uri.scheme === 'vscode-notebook-cell' && active;
    });
    // A new editor: VS Code makes its part for ghost text when it finds time.
    await until(
      'ghost text in the cell',
      async () => {
        await startAnotherLine(editor);
        await type('con');
        return offersGhostText(editor, 1_500);
      },
      15_000,
    );
    assert.match(lastLine(editor), countingLine);
  });

  it('have the line breaks of a file with CRLF', async () => {
    const body = 'export function loadNotes(db) {\n  |\n}\n';
    const editor = await openAt(loaders(['Users', 'Orders'], body).replaceAll('\n', '\r\n'));
    assert.equal(editor.document.eol, vscode.EndOfLine.CRLF);
    await type('con');
    await acceptBy('editor.action.inlineSuggest.commit', editor);
    const text = editor.document.getText();
    assert.match(text, /\r\n {2}return found\.map\(parse\);\r\n\}\r\n$/, JSON.stringify(text.slice(-200)));
    assert.ok(!/[^\r]\n/.test(text), JSON.stringify(text.slice(-200)));
    assert.ok(!text.includes('\r\r'));
  });

  it('come in a file of 20,000 lines', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `const value${String(i)} = read(${String(i)});\n`);
    const editor = await openFile(`${lines.join('')}${counting}`);
    const typed = Date.now();
    // Nearly all of it is VS Code's own: its window is busy with colours and folds of such a file, and each key waits for that.
    await completesIn(editor, 40_000);
    console.log(`    ${String(Date.now() - typed)} ms in a file of 20,000 lines, the first time`);
  });

  it('leave other cursors’ text alone', async () => {
    const editor = await openFile(`${counting}\nother();\n`);
    const { document } = editor;
    const places = [5, 7].map((line) => new vscode.Position(line, 0));
    editor.selections = places.map((place) => new vscode.Selection(place, place));
    await type('con');
    const typed = document.getText();
    assert.equal(document.lineAt(5).text, 'con');
    assert.equal(document.lineAt(7).text, 'con');
    await offersGhostText(editor, 3_000);
    const text = document.getText();
    for (const line of [5, 7]) {
      assert.match(document.lineAt(line).text, /^con(sole\.log\('\w+'\);?)?$/);
    }
    const rest = (all: string): string =>
      all
        .split('\n')
        .filter((_, i) => i !== 5 && i !== 7)
        .join('\n');
    assert.equal(rest(text), rest(typed));
  });

  it('keep out of comments and strings where the user wants that', async () => {
    const comments = '// all of them are read here\n'.repeat(6);
    await configure('completion.inComments', false);
    try {
      let editor = await openFile(comments);
      await type('// all');
      assert.equal(await offersGhostText(editor, 1_500), false);
      await closeEditors();
      editor = await openFile(counting);
      await completesIn(editor); // code is none
      await closeEditors();
    } finally {
      await configure('completion.inComments', undefined);
    }
    const editor = await openFile(comments);
    await type('// all');
    assert.match(await acceptGhostText(editor), /^\/\/ all of/);
  });

  it('do not come in the input of a source control', async () => {
    await completesIn(await openFile(counting));
    await closeEditors(); // or what is typed before the input has the keys asks in the editor
    const control = vscode.scm.createSourceControl('inputs', 'Inputs');
    try {
      const group = control.createResourceGroup('changes', 'Changes');
      group.resourceStates = [{ resourceUri: inFolder('counting.ts') }];
      const before = await atRest('requests');
      await until('the input has the keys', async () => {
        await vscode.commands.executeCommand('workbench.scm.focus');
        await type('con');
        return control.inputBox.value.includes('con');
      });
      await sleep(500); // long enough for a request that must not come
      assert.equal((await running()).status.counters.requests, before);
    } finally {
      control.dispose();
      await vscode.commands.executeCommand('workbench.action.closeSidebar');
    }
  });

  it('do not come in a file that is not text', async () => {
    const editor = await openFile(counting);
    // VS Code itself refuses to open such a file; one that is not on disk may hold anything.
    await editor.edit((edit) => {
      edit.insert(new vscode.Position(0, 0), '// \0\n');
    });
    await type('con');
    assert.equal(await offersGhostText(editor, 1_500), false);
  });
});
