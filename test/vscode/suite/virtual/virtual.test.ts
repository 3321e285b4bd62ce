import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import {
  closeEditors,
  completesIn,
  counting,
  extension,
  openFileAt,
  pathIn,
  ready,
  running,
  warmUp,
} from '../support';

function inFolder(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  assert.equal(folder?.scheme, 'memfs-test');
  return vscode.Uri.joinPath(folder, name);
}

describe('Niwaki in a virtual workspace', function () {
  this.timeout(30_000);

  before(async () => {
    // The tests' settings for single folders come from a file of the workspace; this one has none.
    await vscode.workspace.getConfiguration('niwaki').update('completion.eagerness', 'more', true);
    await vscode.workspace
      .getConfiguration('editor')
      .update('quickSuggestions', { other: 'off', comments: 'off', strings: 'off' }, true);
  });

  afterEach(closeEditors);

  it('is there, as its manifest says', async () => {
    const { capabilities } = extension().packageJSON as { capabilities: { virtualWorkspaces: unknown } };
    assert.equal(capabilities.virtualWorkspaces, true);
    await ready();
    await warmUp();
  }).timeout(60_000);

  it('completes in the files of the workspace', async () => {
    const editor = await openFileAt(inFolder('src/log.ts'), counting);
    assert.equal(pathIn(await completesIn(editor)), 'src/log.ts');
    assert.equal((await running()).status.problem, '');
  });

  it('completes in files that have never been saved', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'typescript', content: counting });
    const editor = await vscode.window.showTextDocument(document);
    const end = document.positionAt(counting.length);
    editor.selection = new vscode.Selection(end, end);
    await completesIn(editor);
  });

  it('plans no new files where links cannot be seen', async () => {
    await vscode.commands.executeCommand('niwaki.files.generate', { request: 'a store', folder: '' });
    const open = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label }) => label));
    assert.deepEqual(open, []);
  });

  it('goes on in a file that is renamed while it is open', async () => {
    await completesIn(await openFileAt(inFolder('one.ts'), counting));
    await vscode.window.activeTextEditor?.document.save();
    const edit = new vscode.WorkspaceEdit();
    edit.renameFile(inFolder('one.ts'), inFolder('two.ts'));
    assert.ok(await vscode.workspace.applyEdit(edit));
    await closeEditors();
    const editor = await openFileAt(inFolder('two.ts'), counting);
    assert.equal(pathIn(await completesIn(editor)), 'two.ts');
  });
});
