import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommitMessageRequest, MeasureMessageRequest, PurgeStorageRequest, StorageRequest } from '#protocol';
import { ChatClient, lastOf } from './chatClient';
import { writeChatModel, type ChatModelFile } from './chatModel';
import { LspClient, settings } from './lspClient';

describe('server: chat with a real engine', function () {
  this.timeout(60_000);
  let file: ChatModelFile;
  let storagePath: string;
  let workspace: string;
  let client: LspClient;
  let chat: ChatClient;

  before(() => {
    file = writeChatModel();
  });
  after(() => {
    file.remove();
  });
  const start = async (modelPath = file.path): Promise<void> => {
    client = await LspClient.start(
      { settings: { ...settings, modelPath }, storagePath },
      {},
      '',
      pathToFileURL(workspace).href,
    );
    chat = new ChatClient(client);
  };
  beforeEach(() => {
    storagePath = mkdtempSync(join(tmpdir(), 'niwaki-chat-storage-'));
    workspace = mkdtempSync(join(tmpdir(), 'niwaki-chat-workspace-'));
  });
  afterEach(async () => {
    await client.stop();
    rmSync(storagePath, { recursive: true, force: true });
    rmSync(workspace, { recursive: true, force: true });
  });

  it('says that the built-in model cannot talk, and does not let it', async () => {
    await start('');
    const state = await chat.model();
    assert.deepEqual([state.state, state.contextTokens], ['none', 0]);
    await assert.rejects(chat.send('Hello'), /chat model/i);
    await client.ready();
    assert.equal((await chat.model()).state, 'none');
  });

  it('streams an answer, stops it at once, and evaluates only what is new from then on', async () => {
    await start();
    assert.equal((await chat.model()).state, 'asleep');
    const first = await chat.say('one two three '.repeat(20), 30);
    assert.equal(lastOf(first).state, 'stopped');
    assert.equal((await chat.model()).state, 'ready');
    const prompt = lastOf(first).figures;
    assert.ok(prompt !== null && prompt.evaluatedTokens > 200, JSON.stringify(prompt));
    const second = await chat.say('and then?', 10, { conversation: first.id, after: lastOf(first).id });
    const figures = lastOf(second).figures;
    assert.ok(figures);
    assert.ok(
      figures.reusedTokens >= prompt.evaluatedTokens + prompt.reusedTokens,
      JSON.stringify([prompt, figures]),
    );
    assert.ok(figures.evaluatedTokens < 60, JSON.stringify(figures));

    const from = chat.events.length;
    await chat.regenerate(second.id, lastOf(second).id);
    const again = await chat.stopAfter(second.id, 10, from);
    assert.equal(lastOf(again).figures?.evaluatedTokens, 1);
    assert.equal(lastOf(again).versions.length, 2);

    let edited = await chat.say('or else?', 10, { conversation: first.id, after: lastOf(first).id });
    assert.ok((lastOf(edited).figures?.evaluatedTokens ?? 999) < 60);
    assert.ok((lastOf(edited).figures?.reusedTokens ?? 0) >= prompt.evaluatedTokens);

    // Even random weights may come to an end by themselves.
    for (let tries = 0; lastOf(edited).state !== 'stopped' && tries < 5; tries += 1) {
      const again = chat.events.length;
      await chat.regenerate(first.id, lastOf(edited).id);
      edited = await chat.stopAfter(first.id, 10, again);
    }
    const goOn = chat.events.length;
    assert.equal((await chat.continue(first.id, lastOf(edited).id)).problem, '');
    const continued = await chat.stopAfter(first.id, 10, goOn);
    assert.ok(lastOf(continued).text.startsWith(lastOf(edited).text));
    assert.ok(
      (lastOf(continued).figures?.evaluatedTokens ?? 999) <= 3,
      JSON.stringify(lastOf(continued).figures),
    );
  });

  it('shares the system prompt with another conversation', async () => {
    await start();
    const first = await chat.say('one', 5);
    const second = await chat.say('two', 5);
    assert.notEqual(first.id, second.id);
    assert.ok((lastOf(second).figures?.reusedTokens ?? 0) >= 128, JSON.stringify(lastOf(second).figures));
  });

  it('finds the conversation when the server was killed in mid-answer', async () => {
    await start();
    const id = await chat.send('Talk');
    await chat.until('a text', (event) => event.kind === 'text' && event.tokens > 20);
    await new Promise((resolve) => setTimeout(resolve, 700));
    client.child.kill('SIGKILL');
    await client.exited;
    await start();
    const found = await chat.open(id);
    assert.ok(found);
    assert.equal(lastOf(found).state, 'interrupted');
    assert.notEqual(lastOf(found).text + lastOf(found).thinking, '');
    const from = chat.events.length;
    assert.equal((await chat.continue(id, lastOf(found).id)).problem, '');
    const more = await chat.stopAfter(id, 10, from);
    assert.ok(lastOf(more).text.length > lastOf(found).text.length);
  });

  it('counts what is attached, and shows nothing that is kept from models', async () => {
    await start();
    mkdirSync(join(workspace, 'src'));
    writeFileSync(join(workspace, 'src', 'a.ts'), 'export const answer = 42;\n');
    writeFileSync(join(workspace, '.env'), 'TOKEN=1');
    await chat.say('wake up', 3);
    const uri = (path: string): string => pathToFileURL(join(workspace, path)).href;
    const params = {
      ...{ conversation: '', after: '', text: 'What is it?', command: 'explain' as const },
      attachments: [
        { kind: 'file' as const, uri: uri('src/a.ts') },
        { kind: 'file' as const, uri: uri('.env') },
        { kind: 'folder' as const, uri: uri('') },
      ],
    };
    const { attachments, context } = await client.connection.sendRequest(MeasureMessageRequest.type, params);
    assert.deepEqual(
      attachments.map(({ label, shown, files }) => [label, shown, files]),
      [
        ['src/a.ts', 'whole', []],
        ['.env', 'none', []],
        ['./', 'whole', ['src/a.ts']],
      ],
    );
    assert.ok((attachments[0]?.tokens ?? 0) > 5);
    assert.match(attachments[1]?.reason ?? '', /secret/);
    assert.ok(context.tokens > 100 && context.tokens < context.budget);
    assert.ok(!JSON.stringify(attachments).includes('TOKEN'));
  });

  it('writes a commit message, and ends it when the request is cancelled', async () => {
    await start();
    const diff = 'diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -1 +1 @@\n-a\n+b\n';
    const params = { job: '1', diff, root: pathToFileURL(workspace).href, recent: ['area: what'] };
    const result = await client.connection.sendRequest(CommitMessageRequest.type, params);
    assert.equal(result.cancelled, false);
    assert.equal(result.leftOut, '');
    const empty = await client.connection.sendRequest(CommitMessageRequest.type, { ...params, diff: '' });
    assert.match(empty.problem, /nothing to describe/);
  });

  it('is counted in what is kept, and can be deleted all at once', async () => {
    await start();
    const { id } = await chat.say('Hello', 3);
    const kept = (await client.connection.sendRequest(StorageRequest.type)).find(
      ({ kind }) => kind === 'conversations',
    );
    assert.equal(kept?.files, 1);
    const purged = await client.connection.sendRequest(PurgeStorageRequest.type, { kind: 'conversations' });
    assert.equal(purged.problem, '');
    assert.ok(purged.bytes > 0);
    assert.equal(await chat.open(id), null);
  });

  it('is not thrown off by senseless requests', async () => {
    await start();
    const methods = [
      'open',
      'send',
      'regenerate',
      'continue',
      'stop',
      'select',
      'rename',
      'delete',
      'export',
      'measure',
      'list',
    ];
    for (const method of methods) {
      for (const params of [null, 7, [], {}, { id: 7, attachments: 'x', conversation: {}, text: null }]) {
        await client.connection.sendRequest(`niwaki/chat/${method}`, params);
      }
    }
    assert.equal((await chat.model()).state, 'asleep');
  });
});
