/** What the built server shows a model besides the file, and what it never does. */
import * as assert from 'node:assert/strict';
import { DefinitionsRequest, RefusalRequest } from '#protocol';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { copyWithMetadata } from '../support/ggufEdit';
import { LspClient, root, settings } from './lspClient';

const secret = 'hunter2';
const files: Readonly<Record<string, string>> = {
  'src/shop.ts': `// prices\n\nexport function priceOf(item: Item): number {\n  return item.price * item.count;\n}\n`,
  'src/secret.ts': `export const priceOf = '${secret}'; // ignored by git\n`,
  '.env': `priceOf=${secret}\n`,
  '.env.local': `priceOf=${secret}\n`,
  'hidden.ts': `export const priceOf = '${secret}';\n`,
  'private/a.ts': `export const priceOf = '${secret}';\n`,
  '.gitignore': 'secret.ts\n',
  '.niwakiignore': 'private/\n',
};
const cart = [
  "import { priceOf } from './shop';",
  '',
  'function total(items: Item[]): number {',
  '  return items.map((item) => priceOf(',
].join('\n');
const end = { line: 3, character: 37 };

describe('integration: what is shown besides the file', function () {
  this.timeout(60_000);
  let folder: string;
  let client: LspClient;
  const uri = (name: string): string => pathToFileURL(join(folder, 'w', name)).href;
  const asked: DefinitionsRequest.Params[] = [];
  /** Files in which the client says that everything is defined. */
  let defining: readonly string[] = [];

  async function start(model: string): Promise<void> {
    client = await LspClient.start(
      {
        settings: { ...settings, modelPath: model, context: { enabled: true, exclude: ['**/hidden.ts'] } },
        answersDefinitions: true,
      },
      {},
      '',
      uri('').replace(/\/$/, ''),
    );
    client.connection.onRequest(
      DefinitionsRequest.method,
      (params: DefinitionsRequest.Params): DefinitionsRequest.Result => {
        asked.push(params);
        const places = defining.map((name) => ({
          uri: uri(name),
          startLine: name.endsWith('shop.ts') ? 2 : 0,
          endLine: 5,
        }));
        return { places: params.positions.map(() => places), complete: true };
      },
    );
    await client.ready();
  }

  /** The prompt of a completion at the end of the cart, once what was planned has been read. */
  async function promptWhen(wanted: (text: string) => boolean): Promise<string> {
    let text = '';
    for (let i = 0; i < 20 && !wanted(text); i += 1) {
      const before = (await client.status()).counters.tokensWarmed;
      await client.cursor(uri('src/cart.ts'), i % 2 === 0 ? end : { line: 2, character: 4 });
      await client
        .until('read in the background', ({ counters }) => counters.tokensWarmed > before, 2_000)
        .catch(() => undefined);
      await client.complete(uri('src/cart.ts'), end);
      text = (await client.lastPrompt())?.text ?? '';
    }
    return text;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki context é-'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, 'w', name)), { recursive: true });
      writeFileSync(join(folder, 'w', name), text);
    }
    copyWithMetadata(join(root, 'models', 'nano.gguf'), join(folder, 'room.gguf'), {
      'niwaki.context_share': '0.25',
    });
    asked.length = 0;
    defining = [];
  });

  afterEach(async () => {
    await client.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows the definition of what is used, from a file that is not open', async () => {
    await start(join(folder, 'room.gguf'));
    defining = ['src/shop.ts'];
    await client.open(uri('src/cart.ts'), cart);
    const prompt = await promptWhen((text) => text.includes('item.price * item.count'));
    assert.ok(
      prompt.startsWith(
        '<|repo_name|>w\n<|file_sep|>src/shop.ts\nexport function priceOf(item: Item): number {\n' +
          '  return item.price * item.count;\n}\n<|file_sep|>src/cart.ts\n<|fim_prefix|>',
      ),
      prompt,
    );
    assert.ok(asked.length > 0);
    for (const { uri: of, version, positions } of asked) {
      assert.equal(of, uri('src/cart.ts'));
      assert.equal(version, 1);
      assert.ok(
        positions.some(({ line, character }) => line === 3 && character === 29),
        'priceOf in its use',
      );
    }
  });

  it('never shows secrets, ignored files and links, neither opened nor defined there, and completes no secrets', async () => {
    await start(join(folder, 'room.gguf'));
    symlinkSync(join(folder, 'w', '.env'), join(folder, 'w', 'src', 'linked.ts'));
    writeFileSync(join(folder, 'outside.ts'), `export const priceOf = '${secret}';\n`);
    const forbidden = ['src/secret.ts', '.env', '.env.local', 'hidden.ts', 'private/a.ts'];
    defining = [...forbidden, 'src/linked.ts', '../outside.ts'];
    for (const name of forbidden) {
      await client.open(uri(name), files[name] as string);
    }
    await client.open(uri('src/open.ts'), 'const shown = items.map((item) => priceOf(item));\n');
    await client.open(uri('src/cart.ts'), cart);
    const prompt = await promptWhen((text) => text.includes('const shown'));
    assert.match(prompt, /<\|file_sep\|>src\/open\.ts\nconst shown/);
    assert.ok(!prompt.includes(secret), prompt);
    assert.ok(asked.length > 0, 'the client was asked');

    const runs = (await client.status()).counters.requests;
    for (const [name, reason] of [
      ['.env', 'secret'],
      ['private/a.ts', 'niwakiignore'],
      ['src/secret.ts', ''],
      ['src/cart.ts', ''],
    ] as const) {
      assert.deepEqual(
        await client.connection.sendRequest(RefusalRequest.method, { uri: uri(name) }),
        { reason },
        name,
      );
    }
    assert.deepEqual(await client.complete(uri('.env'), { line: 0, character: 4 }), []);
    assert.deepEqual(await client.complete(uri('private/a.ts'), { line: 0, character: 10 }), []);
    assert.equal((await client.status()).counters.requests, runs, 'the model was not asked');
    assert.deepEqual(await client.connection.sendRequest(RefusalRequest.method, {}), { reason: '' });
  });

  it('copies from open files, but not from those that must not be shown', async () => {
    await start('');
    const line = "export const priceOf = '";
    for (const name of ['src/secret.ts', 'hidden.ts', 'private/a.ts']) {
      await client.open(uri(name), files[name] as string);
    }
    await client.open(uri('src/cart.ts'), `${cart}));\n}\n${line}`);
    const place = { line: 5, character: line.length };
    const texts = async (): Promise<string> =>
      JSON.stringify(await client.complete(uri('src/cart.ts'), place));
    assert.ok(!(await texts()).includes(secret));
    await client.close(uri('src/cart.ts'));
    await client.open(uri('src/other.ts'), `${line}openly';\n`.repeat(3));
    await client.open(uri('src/cart.ts'), `${cart}));\n}\n${line}`);
    assert.match(await texts(), /openly/);
  });

  it('shows nothing besides the file when that is switched off, from the next keystroke on', async () => {
    await start(join(folder, 'room.gguf'));
    await client.open(uri('src/open.ts'), 'const shown = items.map((item) => priceOf(item));\n');
    await client.open(uri('src/cart.ts'), cart);
    assert.match(await promptWhen((text) => text.includes('const shown')), /const shown/);
    const modelPath = join(folder, 'room.gguf');
    await client.configure({ modelPath, context: { enabled: false, exclude: [] } });
    await client.insert(uri('src/cart.ts'), end, 'zq9('); // nothing that was suggested
    await client.complete(uri('src/cart.ts'), { line: 3, character: 41 });
    const prompt = (await client.lastPrompt())?.text ?? '';
    assert.ok(prompt.includes('zq9') && !prompt.includes('const shown'), prompt);
  });

  it('asks and reads nothing for the embedded model, which is shown one file', async () => {
    await start('');
    defining = ['src/shop.ts'];
    await client.open(uri('src/cart.ts'), cart);
    await client.cursor(uri('src/cart.ts'), end);
    await client.until('read in the background', ({ counters }) => counters.tokensWarmed > 0);
    await client.complete(uri('src/cart.ts'), end);
    const prompt = (await client.lastPrompt())?.text ?? '';
    assert.ok(prompt.startsWith('<|file_sep|>src/cart.ts\n'), prompt);
    assert.equal(asked.length, 0);
  });
});
