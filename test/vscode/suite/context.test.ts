/** Definitions that this editor's language features know, in the prompt of a model that is shown other files. */
import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { copyWithMetadata } from '../../support/ggufEdit';
import {
  closeEditors,
  configure,
  diagnostics,
  extension,
  openFileAt,
  ready,
  running,
  type,
  until,
} from './support';

const shop =
  '// prices\n\nexport function priceOf(item: Item): number {\n  return item.price * item.count;\n}\n';
const cart = 'function total(items: Item[]): number {\n  return items.map((item) => priceOf(';

describe('Niwaki and the definitions that the editor knows', function () {
  this.timeout(60_000);
  let temporary: string;
  const subscriptions: vscode.Disposable[] = [];

  before(async () => {
    await ready();
    temporary = mkdtempSync(join(tmpdir(), 'niwaki-room-'));
    const model = join(temporary, 'room.gguf');
    copyWithMetadata(join(extension().extensionPath, 'models', 'nano.gguf'), model, {
      'niwaki.context_share': '0.25',
    });
    await configure('model.path', model);
    await until('the model with room', async () => (await diagnostics()).model?.path === model);
  });

  afterEach(closeEditors);

  after(async () => {
    vscode.Disposable.from(...subscriptions).dispose();
    await configure('model.path', undefined);
    await until('the embedded model', async () => (await diagnostics()).model?.embedded === true);
    rmSync(temporary, { recursive: true, force: true });
  });

  it('shows the definition of what is used at the cursor, out of a file that is not open', async () => {
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const shopUri = vscode.Uri.joinPath(folder.uri, 'defined', 'shop.ts');
    const outside = vscode.Uri.file(join(temporary, 'outside.ts'));
    await vscode.workspace.fs.writeFile(shopUri, Buffer.from(shop));
    await vscode.workspace.fs.writeFile(outside, Buffer.from('export const outside = items;\n'));
    let asked = 0;
    subscriptions.push(
      vscode.languages.registerDefinitionProvider(
        { language: 'typescript' },
        {
          provideDefinition: (document, position) => {
            const word = document.getText(document.getWordRangeAtPosition(position));
            asked += 1;
            return word === 'priceOf'
              ? [
                  new vscode.Location(shopUri, new vscode.Position(2, 16)),
                  new vscode.Location(outside, new vscode.Position(0, 13)),
                ]
              : [];
          },
        },
      ),
    );
    const editor = await openFileAt(vscode.Uri.joinPath(folder.uri, 'defined', 'cart.ts'), cart);
    const prompt = await until(
      'the definition in the prompt',
      async () => {
        const warmed = (await running()).status.counters.tokensWarmed;
        const line = editor.document.lineAt(0).range;
        editor.selection = new vscode.Selection(line.end, line.end);
        const end = editor.document.lineAt(1).range.end;
        editor.selection = new vscode.Selection(end, end);
        await until(
          'something read in advance',
          async () => (await running()).status.counters.tokensWarmed > warmed,
          1_500,
        ).catch(() => undefined);
        await type('i');
        const found = await until(
          'a prompt',
          async () => {
            const { lastPrompt } = await running();
            return lastPrompt !== null && lastPrompt.text.includes('item.price * item.count') && lastPrompt;
          },
          500,
        ).catch(() => undefined);
        return found;
      },
      40_000,
    );
    assert.ok(asked > 0);
    assert.match(prompt.text, /<\|file_sep\|>defined\/shop\.ts\n[^]*<\|file_sep\|>defined\/cart\.ts\n/);
    assert.ok(!prompt.text.includes('outside'), 'nothing from outside the workspace');
  });
});
