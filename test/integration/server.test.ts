/** The built server with the embedded model, over LSP, without VS Code. */
import * as assert from 'node:assert/strict';
import { LoadModelRequest, ModelInfoRequest, RestartEngineRequest, type ModelDetails } from '#protocol';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import type { InlineCompletionItem } from 'vscode-languageserver';
import { LspClient, settings } from './lspClient';

const uri = 'file:///w/src/list.ts';
/** What follows is as good as certain: a line that the file has many times. */
const repetitive = `${Array.from({ length: 12 }, (_, i) => `items.push(new Item(${String(i)}));`).join('\n')}\n`;

function textOf(item: InlineCompletionItem | undefined): string {
  assert.equal(typeof item?.insertText, 'string');
  return item?.insertText as string;
}

describe('integration: the server over LSP', function () {
  this.timeout(60_000);
  let client: LspClient;

  before(async () => {
    client = await LspClient.start();
    const status = await client.ready();
    assert.equal(status.state, 'ready');
    assert.equal(status.embedded, true);
    assert.equal(status.problem, '');
    assert.equal(status.pid, client.child.pid);
  });

  after(async () => {
    await client.stop();
  });

  afterEach(async () => {
    await client.close(uri);
  });

  it('completes the end of a line', async () => {
    await client.open(uri, `${repetitive}items.pu`);
    const [item] = await client.complete(uri, { line: 12, character: 8 });
    assert.ok(item !== undefined, 'a suggestion');
    assert.match(textOf(item), /^sh\(/);
    assert.deepEqual(item.range, { start: { line: 12, character: 8 }, end: { line: 12, character: 8 } });
  });

  it('shows the prompt as the model got it, with the path in the workspace', async () => {
    await client.open(uri, `${repetitive}items.pu`);
    await client.complete(uri, { line: 12, character: 8 });
    const prompt = await client.lastPrompt();
    assert.ok(prompt !== null);
    assert.ok(prompt.text.startsWith('<|file_sep|>src/list.ts\n<|fim_prefix|><|fim_suffix|>'));
    assert.ok(prompt.text.includes(repetitive));
    assert.ok(`${prompt.text}${prompt.healed}`.endsWith('items.pu'));
  });

  it('extends the item that the suggest widget has selected', async () => {
    await client.open(uri, `${repetitive}items.p`);
    const range = { start: { line: 12, character: 6 }, end: { line: 12, character: 7 } };
    const [item] = await client.complete(uri, range.end, { range, text: 'push' });
    assert.match(textOf(item), /^push\(/);
    assert.deepEqual(item?.range, range);
  });

  it('answers the latest of many requests, and the others with nothing', async () => {
    await client.open(uri, repetitive);
    const answers: Promise<unknown[]>[] = [];
    const word = 'items.push(';
    for (let i = 0; i < word.length; i += 1) {
      await client.insert(uri, { line: 12, character: i }, word[i] as string);
      answers.push(client.complete(uri, { line: 12, character: i + 1 }));
    }
    const last = (await Promise.all(answers)).at(-1);
    assert.equal(last?.length, 1);
    assert.equal((await client.ready()).state, 'ready');
  });

  it('takes back a request that the editor cancels', async () => {
    await client.open(uri, `${repetitive.repeat(8)}items.pu`);
    // Whether a later cancel still finds the request there is a matter of speed: then the answer came before it. Not always, though.
    let late = 0;
    for (const delay of [0, 1, 2, 5, 10]) {
      const source = new CancellationTokenSource();
      const answer = client.complete(uri, { line: 96, character: 8 }, undefined, source.token);
      if (delay > 0) {
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
      source.cancel();
      const items = await answer;
      assert.ok(items.length === 0 || (delay > 0 && items.length === 1), `${String(items.length)} items`);
      late += delay > 0 && items.length === 0 ? 1 : 0;
    }
    assert.ok(late > 0, 'none was taken back while the model thought');
    assert.equal((await client.complete(uri, { line: 96, character: 8 })).length, 1);
    assert.deepEqual((await client.until('at rest', ({ jobs }) => jobs.length === 0)).jobs, []);
  });

  it('offers nothing for a document that changed while the model thought', async () => {
    await client.open(uri, `${repetitive.repeat(8)}items.pu`);
    const answer = client.complete(uri, { line: 96, character: 8 });
    await client.insert(uri, { line: 0, character: 0 }, '// first\n');
    assert.deepEqual(await answer, []);
  });

  it('works in a file with CRLF, emoji and CJK, at the right place', async () => {
    const text = `${repetitive}const tree = '🌳本'; items.pu`.replaceAll('\n', '\r\n');
    await client.open(uri, text);
    const character = "const tree = '🌳本'; items.pu".length;
    const [item] = await client.complete(uri, { line: 12, character });
    assert.match(textOf(item), /^sh\(/);
    assert.ok(!textOf(item).includes('\uFFFD'));
  });

  it('is silent where completions are switched off, and for documents it does not know', async () => {
    await client.connection.sendNotification('niwaki/settings', {
      ...settings,
      completion: { ...settings.completion, languages: { '*': true, typescript: false } },
    });
    await client.open(uri, `${repetitive}items.pu`);
    assert.deepEqual(await client.complete(uri, { line: 12, character: 8 }), []);
    await client.connection.sendNotification('niwaki/settings', settings);
    assert.equal((await client.complete(uri, { line: 12, character: 8 })).length, 1);
    assert.deepEqual(await client.complete('file:///w/other.ts', { line: 0, character: 0 }), []);
  });

  it('tells about the model', async () => {
    const details = await client.connection.sendRequest<ModelDetails | null>(ModelInfoRequest.method);
    assert.equal(details?.architecture, 'qwen3');
    assert.equal(details.fimForm, 'suffix-first contiguous');
    assert.ok(details.kernelTables.some((table) => table.name === details.kernels && table.supported));
  });

  it('keeps its model when another cannot be loaded, and says why', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'niwaki-'));
    const path = join(folder, 'broken.gguf');
    writeFileSync(path, 'GGUF, but not really');
    try {
      const result = await client.connection.sendRequest<LoadModelRequest.Result>(LoadModelRequest.method, {
        path,
      });
      assert.equal(result.ok, false);
      assert.ok(result.problem.includes(path), result.problem);
      await client.open(uri, `${repetitive}items.pu`);
      assert.equal((await client.complete(uri, { line: 12, character: 8 })).length, 1);
      const status = await client.ready();
      assert.equal(status.problem, result.problem);
      const mended = await client.connection.sendRequest<LoadModelRequest.Result>(LoadModelRequest.method, {
        path: '',
      });
      assert.deepEqual(mended, { ok: true, problem: '' });
      assert.equal((await client.ready()).problem, '');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what is missing when it is asked for a model without a path', async () => {
    const before = (await client.ready()).problem;
    for (const params of [undefined, {}, { path: null }, { path: 3 }]) {
      const result = await client.connection.sendRequest<LoadModelRequest.Result>(
        LoadModelRequest.method,
        params,
      );
      assert.equal(result.ok, false);
      assert.match(result.problem, /^niwaki\/loadModel needs a "path": that of a \.gguf file, or "" /);
    }
    assert.equal((await client.ready()).problem, before, 'the loaded model stays');
  });

  it('restarts its engine without losing open documents', async () => {
    await client.open(uri, `${repetitive}items.pu`);
    assert.equal((await client.complete(uri, { line: 12, character: 8 })).length, 1);
    const result = await client.connection.sendRequest<LoadModelRequest.Result>(RestartEngineRequest.method);
    assert.deepEqual(result, { ok: true, problem: '' });
    assert.equal((await client.complete(uri, { line: 12, character: 8 })).length, 1);
  });

  it('sends its status at most ten times a second, the last state always', async () => {
    const before = client.statuses.length;
    const started = Date.now();
    await client.open(uri, repetitive);
    for (let i = 0; i < 30; i += 1) {
      await client.insert(uri, { line: 12, character: i }, 'x');
      await client.complete(uri, { line: 12, character: i + 1 });
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
    const sent = client.statuses.length - before;
    const allowed = (Date.now() - started) / 100 + 2;
    assert.ok(sent >= 1 && sent <= allowed, `${String(sent)} of ${String(allowed)}`);
    assert.deepEqual(client.statuses.at(-1), await client.status());
  });
});

describe('integration: the server’s life', function () {
  this.timeout(60_000);

  it('refuses a client of another build', async () => {
    await assert.rejects(LspClient.start({ protocolVersion: 99 }), /Reload the window/);
  });

  it('works for any LSP client, without options', async () => {
    const client = await LspClient.start({});
    assert.equal((await client.ready()).state, 'ready');
    await client.stop();
    assert.deepEqual(await client.exited, { code: 0, signal: null });
  });

  it('uses the kernels that NIWAKI_CPU allows', async () => {
    const client = await LspClient.start({}, { NIWAKI_CPU: 'generic' });
    assert.equal((await client.ready()).kernels, 'generic');
    await client.stop();
  });

  it('ends when the editor has gone', async () => {
    const client = await LspClient.start();
    await client.ready();
    client.child.disconnect();
    assert.deepEqual(await client.exited, { code: 0, signal: null });
  });
});
