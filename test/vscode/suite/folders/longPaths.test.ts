import * as assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, rmSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import {
  closeEditors,
  completesIn,
  configure,
  counting,
  extension,
  openFileAt,
  pathIn,
  ready,
  running,
  until,
  warmUp,
  workspacePath,
} from '../support';

const deep = Array.from({ length: 12 }, (_, i) => `этаж ${String(i)} – a long name`).join('/');
/** 200 characters. A file system counts bytes and takes 255 of them, so they are simple ones. */
const longName = 'n'.repeat(200);

describe('Niwaki with long and unusual paths', function () {
  this.timeout(30_000);

  before(async function () {
    this.timeout(60_000);
    if (process.platform === 'win32') {
      this.skip(); // such paths need a machine that was set up for them
    }
    await ready();
    await warmUp();
  });

  afterEach(closeEditors);

  it('completes in a file deep down, with a long name', async () => {
    const uri = vscode.Uri.file(join(workspacePath(deep), `${longName.slice(3)}.ts`));
    assert.ok(uri.fsPath.length > 240 + 200, `${String(uri.fsPath.length)} characters`);
    const editor = await openFileAt(uri, counting);
    assert.equal(pathIn(await completesIn(editor)), `${deep}/${longName.slice(3)}.ts`);
  });

  it('loads a model from such a path, and needs the file no more once it is loaded', async () => {
    const path = join(workspacePath(deep), `${longName.slice(5)}.gguf`);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(join(extension().extensionPath, 'models', 'nano.gguf'), path);
    let files = 0;
    const another = (): vscode.Uri => {
      files += 1; // what was completed in an old one is known already
      return vscode.Uri.file(workspacePath(`own${String(files)}.ts`));
    };
    try {
      await configure('model.path', path);
      await completesIn(await openFileAt(another(), counting));
      await until('the chosen model', async () => (await running()).model?.path === path);
      const { status, serverPid } = await running();
      assert.equal(status.problem, '');
      assert.equal(status.embedded, false);
      for (const remove of [false, true]) {
        if (remove) {
          rmSync(path);
        } else {
          truncateSync(path, 1000);
        }
        await closeEditors();
        await completesIn(await openFileAt(another(), counting));
        const now = await running();
        assert.equal(now.serverPid, serverPid);
        assert.equal(now.model?.path, path);
      }
      // Whoever starts anew is told, and is not left without completions.
      await vscode.commands.executeCommand('niwaki.restart');
      await closeEditors();
      await completesIn(await openFileAt(another(), counting));
      const after = await running();
      assert.ok(after.status.problem.includes(path), after.status.problem);
      assert.equal(after.status.embedded, true);
    } finally {
      await configure('model.path', undefined);
    }
    await until('the embedded model, without a complaint', async () => {
      const { status } = await running();
      return status.problem === '' && status.embedded;
    });
  });
});
