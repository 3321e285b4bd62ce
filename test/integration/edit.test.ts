/** Edits over LSP: of the built server with a real engine, and of the same server with a scripted one. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { applyEdits, EditProgressNotification, EditRequest } from '#protocol';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { writeChatModel, type ChatModelFile } from './chatModel';
import { LspClient, root, settings } from './lspClient';

const text = ['export function f(): number {', '  return 1;', '}', ''].join('\n');

describe('server: edits', function () {
  this.timeout(120_000);
  let file: ChatModelFile;
  let workspace: string;
  let client: LspClient;
  let progress: EditProgressNotification.Params[] = [];

  before(() => {
    file = writeChatModel({ context: 2_048 });
    workspace = mkdtempSync(join(tmpdir(), 'niwaki-edit-workspace-'));
  });
  after(() => {
    file.remove();
    rmSync(workspace, { recursive: true, force: true });
  });
  const listen = (): void => {
    progress = [];
    client.connection.onNotification(EditProgressNotification.type, (params) => {
      progress.push(params);
    });
  };
  const ask = (more: object = {}, token?: CancellationTokenSource): Promise<EditRequest.Result> => {
    const params = {
      ...{ job: 'one', uri: uriOf('f.ts'), version: 1, range: { start: 1, end: 2 }, task: 'instruct' },
      ...{ instruction: 'Return two', problems: [], tried: '', ...more },
    };
    return client.connection.sendRequest<EditRequest.Result>(
      EditRequest.method,
      params,
      ...(token === undefined ? [] : [token.token]),
    );
  };
  const uriOf = (name: string): string => pathToFileURL(join(workspace, name)).href;

  describe('with a real engine', () => {
    before(async () => {
      const options = { settings: { ...settings, modelPath: file.path } };
      client = await LspClient.start(options, {}, '', pathToFileURL(workspace).href);
      listen();
      await client.open(uriOf('f.ts'), text);
    });
    after(() => client.stop());

    it('come whole or not at all, and say how far they are', async () => {
      const result = await ask();
      // Weights at random seldom say what ends an answer: then it is refused, and nothing of it is given out.
      assert.ok(result.problem === '' || result.problem.includes('did not come to its end'), result.problem);
      assert.ok(result.problem === '' || result.changes.length === 0);
      assert.deepEqual([...new Set(progress.map(({ job }) => job))], ['one']);
      assert.ok(progress.some(({ phase, tokens }) => phase === 'writing' && tokens > 0));
    });

    it('end at once when they are cancelled', async () => {
      const source = new CancellationTokenSource();
      const from = progress.length;
      const asked = ask({ job: 'two' }, source);
      while (!progress.slice(from).some(({ phase }) => phase === 'writing')) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      source.cancel();
      const result = await asked;
      assert.deepEqual([result.cancelled, result.changes], [true, []]);
      assert.deepEqual((await client.until('at rest', ({ jobs }) => jobs.length === 0)).jobs, []);
    });

    it('are refused of other versions, of what is kept from models, and where they make no sense', async () => {
      assert.match((await ask({ version: 7 })).problem, /has changed/);
      assert.match((await ask({ uri: uriOf('other.ts') })).problem, /not open/);
      await client.open(uriOf('.env'), 'TOKEN=1\n');
      assert.match((await ask({ uri: uriOf('.env') })).problem, /kept from models/);
      for (const wrong of [
        { uri: 3 },
        { range: { start: 3, end: 1 } },
        { range: null },
        { task: 'destroy' },
        { version: 'x' },
      ]) {
        assert.notEqual((await ask(wrong)).problem, '');
      }
    });
  });

  describe('with a scripted engine', () => {
    const script = (lines: readonly object[]): void => {
      writeFileSync(join(workspace, 'script.json'), JSON.stringify(lines));
    };
    before(async () => {
      const program = join(root, 'test', 'support', 'scriptedServer.ts');
      client = await LspClient.start(
        { settings: { ...settings, modelPath: file.path } },
        { NIWAKI_SCRIPT: join(workspace, 'script.json') },
        ...(['', pathToFileURL(workspace).href, []] as const),
        { program, execArgv: ['--import', 'tsx'] },
      );
      listen();
      await client.open(uriOf('f.ts'), text);
    });
    after(() => client.stop());

    it('are what the model says, as edits of the document, with the errors that they add', async () => {
      script([{ say: '```typescript\n  return 2;\n```' }]);
      const good = await ask();
      assert.equal(good.problem, '');
      assert.equal(applyEdits(text, good.changes[0]?.edits ?? []), text.replace('1', '2'));
      assert.deepEqual(good.changes[0]?.broken, []);
      script([{ say: '```typescript\n  return (2;\n```' }]);
      const bad = await ask();
      assert.deepEqual(
        bad.changes[0]?.broken.map(({ line }) => line),
        [1],
      );
      script([{ fail: 'The model is ill.' }]);
      assert.equal((await ask()).problem, 'The model is ill.');
    });

    it('that write tests go into another file', async () => {
      script([{ when: 'f\\.test\\.ts', say: "```typescript\nimport { f } from './f';\n```" }]);
      const [change] = (await ask({ task: 'tests', instruction: '' })).changes;
      assert.deepEqual([change?.uri, change?.exists, change?.version], [uriOf('f.test.ts'), false, null]);
    });
  });
});
