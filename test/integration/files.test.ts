import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CheckFilesRequest, FileTextNotification, PlanFilesRequest, WriteFileRequest } from '#protocol';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { writeChatModel, type ChatModelFile } from './chatModel';
import { LspClient, settings } from './lspClient';

/** A model of random weights: whatever it says, it says under the masks. */
describe('server: files from prompts with a real engine', function () {
  this.timeout(120_000);
  let file: ChatModelFile;
  let workspace: string;
  let client: LspClient;
  const texts: FileTextNotification.Params[] = [];

  before(async () => {
    file = writeChatModel({ context: 2_048 });
    workspace = mkdtempSync(join(tmpdir(), 'niwaki-files-workspace-'));
    mkdirSync(join(workspace, 'src'));
    writeFileSync(join(workspace, 'src', 'user-list.ts'), 'export const users = [];\n');
    symlinkSync(tmpdir(), join(workspace, 'out'));
    client = await LspClient.start(
      { settings: { ...settings, modelPath: file.path } },
      {},
      '',
      pathToFileURL(workspace).href,
    );
    client.connection.onNotification(FileTextNotification.type, (params) => {
      texts.push(params);
    });
  });
  after(async () => {
    await client.stop();
    file.remove();
    rmSync(workspace, { recursive: true, force: true });
  });
  const planned = (request: string, folder: string): Promise<PlanFilesRequest.Result> =>
    client.connection.sendRequest(PlanFilesRequest.type, { request, folder, attachments: [] });
  const params = {
    request: 'a store of users',
    attachments: [],
    plan: [{ path: 'src/user-store.ts', purpose: 'keeps users' }],
    index: 0,
    written: [],
  };

  it('plans files that can all be written', async () => {
    const { files, problem, cancelled } = await planned('a store of users', 'src');
    assert.equal(cancelled, false);
    assert.ok(files.length > 0 || problem !== '', 'files, or why there are none');
    assert.ok(files.every(({ path, purpose }) => path.startsWith('src/') && purpose !== ''));
    const checked = await client.connection.sendRequest(CheckFilesRequest.type, {
      paths: files.map(({ path }) => path),
    });
    assert.deepEqual(
      checked.map(({ problem: refusal }) => refusal),
      files.map(() => ''),
    );
    assert.deepEqual(readdirSync(join(workspace, 'src')), ['user-list.ts'], 'nothing is written');
  });

  it('writes a text to its end, piece by piece, and says when it ran out of room', async () => {
    texts.length = 0;
    const result = await client.connection.sendRequest(WriteFileRequest.type, { ...params, job: 'one' });
    assert.equal(result.cancelled, false);
    assert.equal(result.file.path, 'src/user-store.ts');
    assert.ok(
      result.text.endsWith('\n') && !result.text.includes('\r'),
      JSON.stringify(result.text.slice(-20)),
    );
    assert.doesNotMatch(result.text, /^```/m);
    assert.match(result.problem, /^$|not whole/);
    const own = texts.filter(({ job }) => job === 'one');
    assert.ok(own.some(({ phase }) => phase === 'writing'));
    assert.deepEqual(readdirSync(join(workspace, 'src')), ['user-list.ts'], 'nothing is written');
  });

  it('stops at once', async () => {
    texts.length = 0;
    const cancel = new CancellationTokenSource();
    const asked = client.connection.sendRequest(
      WriteFileRequest.type,
      { ...params, job: 'two' },
      cancel.token,
    );
    const end = Date.now() + 20_000;
    while (!texts.some(({ job, phase }) => job === 'two' && phase === 'writing') && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const at = performance.now();
    cancel.cancel();
    const result = await asked;
    assert.equal(result.cancelled, true);
    assert.ok(performance.now() - at < 1_000);
  });

  it('says what paths mean, whatever arrives', async () => {
    const checked = await client.connection.sendRequest(CheckFilesRequest.type, {
      paths: ['src/user-list.ts', 'src/new.ts', 'out/a.ts', '../a.ts', 'SRC/a.ts'],
    });
    assert.deepEqual(
      checked.map(({ path, exists, problem }) => [path, exists, problem === '']),
      [
        ['src/user-list.ts', true, true],
        ['src/new.ts', false, true],
        ['', false, false],
        ['', false, false],
        ['', false, false],
      ],
    );
    const anything = client.connection as unknown as {
      sendRequest(method: string, params?: unknown): Promise<{ problem?: string }>;
    };
    for (const odd of [
      undefined,
      null,
      7,
      [],
      { paths: 'x' },
      { plan: [null, { path: 4 }], index: '0', written: {} },
    ]) {
      assert.deepEqual(await anything.sendRequest(CheckFilesRequest.method, odd), []);
      assert.notEqual((await anything.sendRequest(PlanFilesRequest.method, odd)).problem, '');
      assert.notEqual((await anything.sendRequest(WriteFileRequest.method, odd)).problem, '');
    }
    assert.match((await planned('x', '../elsewhere')).problem, /another folder/);
  });
});
