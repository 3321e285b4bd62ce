import * as assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import {
  closeEditors,
  completesIn,
  counting,
  openFileAt,
  pathIn,
  ready,
  running,
  startAnotherLine,
  until,
  warmUp,
} from '../support';

function folders(): readonly vscode.WorkspaceFolder[] {
  return vscode.workspace.workspaceFolders ?? [];
}

function folder(index: number): vscode.Uri {
  const found = folders()[index];
  assert.ok(found, `folder ${String(index)}`);
  return found.uri;
}

/** Resolves when the workspace's folders have changed; a change that VS Code refuses is an error. */
async function changeFolders(change: () => boolean): Promise<void> {
  const changed = new Promise<void>((resolve) => {
    const subscription = vscode.workspace.onDidChangeWorkspaceFolders(() => {
      subscription.dispose();
      resolve();
    });
  });
  assert.ok(change(), 'VS Code changes the folders');
  await changed;
}

async function rename(from: vscode.Uri, to: vscode.Uri): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.renameFile(from, to);
  assert.ok(await vscode.workspace.applyEdit(edit));
}

/** The editor that shows this file, the cursor at its end. */
async function editorOf(uri: vscode.Uri): Promise<vscode.TextEditor> {
  const active = await until('an editor with the new name', () => {
    const { activeTextEditor } = vscode.window;
    return activeTextEditor?.document.uri.toString() === uri.toString() && activeTextEditor;
  });
  const editor = await vscode.window.showTextDocument(active.document); // keys went nowhere since the old one was closed
  const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
  return editor;
}

describe('Niwaki in a workspace of several folders', function () {
  this.timeout(30_000);

  before(async function () {
    this.timeout(60_000);
    await ready();
    await warmUp();
  });

  afterEach(closeEditors);

  it('completes in every folder, and shows the model each path as seen from its folder', async () => {
    assert.equal(folders().length, 2);
    assert.equal(folder(1).path.split('/').slice(-2).join('/'), 'Büro – 日本/проект');
    for (const { uri } of folders()) {
      const editor = await openFileAt(vscode.Uri.joinPath(uri, 'src/über/лог.ts'), counting);
      assert.equal(pathIn(await completesIn(editor)), 'src/über/лог.ts');
      await closeEditors();
    }
  });

  it('shows the same paths to the user', async () => {
    const editor = await openFileAt(vscode.Uri.joinPath(folder(1), 'a b#c%41.ts'), counting);
    assert.equal(pathIn(await completesIn(editor)), 'a b#c%41.ts');
    await vscode.commands.executeCommand('niwaki.showRenderedPrompt');
    const page = vscode.window.activeTextEditor?.document;
    assert.equal(page?.uri.scheme, 'niwaki');
    await until('the page', () => page.getText().includes('<|file_sep|>a b#c%41.ts\n'));
  });

  it('follows folders that come and go, with the same server', async () => {
    const { serverPid } = await running();
    const added = vscode.Uri.file(join(folder(0).fsPath, '..', 'added later'));
    mkdirSync(added.fsPath);
    const pathOf = async (name: string): Promise<string | undefined> => {
      const editor = await openFileAt(vscode.Uri.joinPath(added, 'lib', name), counting);
      const path = pathIn(await completesIn(editor));
      await closeEditors();
      return path;
    };
    assert.equal(await pathOf('outside.ts'), 'outside.ts', 'outside the workspace only the name is known');

    await changeFolders(() => vscode.workspace.updateWorkspaceFolders(2, 0, { uri: added }));
    assert.equal(await pathOf('inside.ts'), 'lib/inside.ts');

    // The folder inside counts, not the one around it.
    const inner = vscode.Uri.joinPath(added, 'lib');
    await changeFolders(() => vscode.workspace.updateWorkspaceFolders(3, 0, { uri: inner }));
    assert.equal(await pathOf('innermost.ts'), 'innermost.ts');

    await changeFolders(() => vscode.workspace.updateWorkspaceFolders(2, 2));
    assert.equal(folders().length, 2);
    assert.equal(await pathOf('afterwards.ts'), 'afterwards.ts');
    const editor = await openFileAt(vscode.Uri.joinPath(folder(1), 'src/log.ts'), counting);
    assert.equal(pathIn(await completesIn(editor)), 'src/log.ts');
    assert.equal((await running()).serverPid, serverPid);
  });

  it('goes on in a file that is renamed while it is open', async () => {
    const from = vscode.Uri.joinPath(folder(0), 'old.ts');
    const to = vscode.Uri.joinPath(folder(0), 'sub/new name.ts');
    let editor = await openFileAt(from, counting);
    assert.equal(pathIn(await completesIn(editor)), 'old.ts');
    await editor.document.save();
    await rename(from, to);
    editor = await editorOf(to);
    await startAnotherLine(editor);
    assert.equal(pathIn(await completesIn(editor)), 'sub/new name.ts');
  });

  it('goes on in a file with unsaved changes when its folder moves', async () => {
    const from = vscode.Uri.joinPath(folder(0), 'before');
    const to = vscode.Uri.joinPath(folder(0), 'after/inside');
    await vscode.workspace.fs.createDirectory(vscode.Uri.joinPath(folder(0), 'after'));
    await completesIn(await openFileAt(vscode.Uri.joinPath(from, 'log.ts'), counting));
    await rename(from, to);
    const editor = await editorOf(vscode.Uri.joinPath(to, 'log.ts'));
    assert.ok(editor.document.isDirty, 'the changes have moved along');
    await startAnotherLine(editor);
    assert.equal(pathIn(await completesIn(editor)), 'after/inside/log.ts');
  });

  it('goes on in a file that an extension renames behind the editor', async () => {
    const from = vscode.Uri.joinPath(folder(0), 'first.ts');
    const to = vscode.Uri.joinPath(folder(0), 'second.ts');
    const old = await openFileAt(from, counting);
    await completesIn(old);
    await old.document.save();
    await vscode.workspace.fs.rename(from, to);
    const editor = await editorOf(to);
    await startAnotherLine(editor);
    assert.equal(pathIn(await completesIn(editor)), 'second.ts');
  });

  it('goes on when another program moves the file away', async () => {
    const from = vscode.Uri.joinPath(folder(0), 'here.ts');
    const to = vscode.Uri.joinPath(folder(0), 'there.ts');
    const old = await openFileAt(from, counting);
    await completesIn(old);
    renameSync(from.fsPath, to.fsPath); // VS Code leaves an editor with changes on the name that is gone
    await startAnotherLine(old);
    assert.equal(pathIn(await completesIn(old)), 'here.ts');
    await closeEditors();
    const editor = await openFileAt(to, counting);
    assert.equal(pathIn(await completesIn(editor)), 'there.ts');
  });
});
