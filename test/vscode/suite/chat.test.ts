/** The chat's commands as other features call them. What the view shows is tested with real keys (ui/chat.test.mjs). */
import * as assert from 'node:assert/strict';
import { commands, workspace } from 'vscode';

describe('Chat', () => {
  it('takes a question of another feature’s, and nothing else', async () => {
    const [folder] = workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const question = {
      ...{ text: 'Why?', command: 'explain', send: false },
      attachments: [
        { kind: 'file', uri: folder.uri.with({ path: `${folder.uri.path}/counting.ts` }).toString() },
      ],
    };
    await commands.executeCommand('niwaki.chat.ask', question);
    for (const wrong of [
      undefined,
      'Why?',
      { ...question, command: 'run' },
      { ...question, attachments: [{}] },
    ]) {
      await assert.rejects(
        async () => commands.executeCommand('niwaki.chat.ask', wrong),
        /niwaki\.chat\.ask/,
      );
    }
    await commands.executeCommand('workbench.view.explorer');
  });

  it('has its commands', async () => {
    const all = await commands.getCommands(true);
    const wanted = ['open', 'new', 'history', 'rename', 'delete', 'export', 'acceptChange', 'rejectChange'];
    assert.deepEqual(
      wanted.filter((name) => !all.includes(`niwaki.chat.${name}`)),
      [],
    );
  });
});
