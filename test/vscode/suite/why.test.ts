/** What becomes of suggestions, and why they are what they are, as a user of VS Code finds it. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import {
  acceptGhostText,
  closeEditors,
  counting,
  countingLine,
  openFile,
  ready,
  running,
  sleep,
  type,
  until,
  warmUp,
} from './support';

async function statistics(): Promise<NonNullable<Awaited<ReturnType<typeof running>>['statistics']>> {
  return (await running()).statistics ?? assert.fail('no statistics');
}

/** Something is suggested behind "con"; what comes next is one change. A new editor may not ask by itself yet, so it is told to. */
async function offered(): Promise<void> {
  await until('offered', async () => {
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    await sleep(200);
    const { why } = await running();
    return why?.position.character === 3 && why.suggestion !== '';
  });
}

function shownText(): string {
  return vscode.window.activeTextEditor?.document.getText() ?? '';
}

describe('Niwaki’s account of its suggestions', function () {
  this.timeout(60_000);

  before(async () => {
    await ready();
    await warmUp();
  });
  beforeEach(async () => {
    await vscode.commands.executeCommand('niwaki.clearCounters');
    assert.equal((await statistics()).accepted, 0);
  });
  afterEach(closeEditors);

  it('counts a suggestion that is accepted, and its characters', async () => {
    const editor = await openFile(counting);
    await type('con');
    const line = await acceptGhostText(editor);
    assert.match(line, countingLine);
    const counts = await until('counted', async () => {
      const now = await statistics();
      return now.accepted > 0 && now;
    });
    assert.equal(counts.accepted, 1);
    assert.ok(counts.acceptedCharacters >= 1 && counts.acceptedCharacters <= line.length - 3);
    assert.ok(counts.requested >= counts.returned && counts.returned >= counts.suggestions);
    assert.ok(counts.suggestions >= 1);
  });

  it('does not count one that is typed away', async () => {
    await openFile(counting);
    await type('con');
    await offered();
    const before = (await statistics()).requested;
    await type('zzz');
    await until('asked again', async () => (await statistics()).requested > before);
    assert.equal((await statistics()).accepted, 0);
  });

  it('estimates what is accepted word by word', async () => {
    const editor = await openFile(counting);
    await type('con');
    await offered();
    const { document } = editor;
    const { version } = document;
    await until('a word is accepted', async () => {
      await vscode.commands.executeCommand('editor.action.inlineSuggest.acceptNextWord');
      return document.version !== version;
    });
    await until('estimated', async () => (await statistics()).partlyAccepted > 0);
    assert.equal((await statistics()).accepted, 0);
  });

  it('shows the counters as a page, and begins anew on command', async () => {
    const editor = await openFile(counting);
    await type('con');
    await acceptGhostText(editor);
    await until('counted', async () => (await statistics()).accepted === 1);
    await vscode.commands.executeCommand('niwaki.showStatistics');
    assert.match(shownText(), /accepted as a whole +1 \(/);
    assert.equal(vscode.window.activeTextEditor?.document.uri.scheme, 'niwaki');
    await vscode.commands.executeCommand('niwaki.clearCounters');
    await vscode.commands.executeCommand('niwaki.showStatistics');
    await until('new figures', () => /accepted as a whole +0 \(/.test(shownText()));
  });

  it('says why the last suggestion is what it is', async () => {
    const editor = await openFile(counting);
    await type('con');
    await acceptGhostText(editor);
    // Accepting makes the editor ask again, so the last report may change once more.
    await until('the page agrees with the last report', async () => {
      await vscode.commands.executeCommand('niwaki.whySuggestion');
      const { why } = await running();
      return why !== null && shownText().includes(`line ${String(why.position.line + 1)}, column`);
    });
    assert.match(shownText(), /^# Why this suggestion\?/);
    assert.match(shownText(), /The model's file names it \(fim\.template\.spm\)/);
  });
});
