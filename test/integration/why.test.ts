/** Why suggestions are what they are and what became of them; how models are asked, the trial included: in the built server. */
import * as assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelDetails } from '#protocol';
import { shapeNamed, writeGguf } from '../support/ggufWriter';
import { niwaki } from './cliProcess';
import { LspClient, root, settings } from './lspClient';

const uri = 'file:///w/src/list.ts';
const repetitive = `${Array.from({ length: 12 }, (_, i) => `items.push(new Item(${String(i)}));`).join('\n')}\n`;
const chatTemplate =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

async function details(client: LspClient): Promise<ModelDetails> {
  return (await client.modelInfo()) ?? assert.fail('no model is loaded');
}

describe('integration: why a suggestion', function () {
  this.timeout(60_000);
  let client: LspClient;

  before(async () => {
    client = await LspClient.start();
    await client.ready();
  });
  after(async () => {
    await client.stop();
  });
  afterEach(async () => {
    await client.close(uri);
    await client.clearStatistics();
  });

  it('is told for the last one: what was read, from where, how long it took, how the model was asked', async () => {
    const fresh = await LspClient.start();
    await fresh.ready();
    assert.equal(await fresh.why(), null);
    await fresh.stop();
    await client.open(uri, `${repetitive}items.pu`);
    const [item] = await client.complete(uri, { line: 12, character: 8 });
    const report = (await client.why()) ?? assert.fail('no report');
    const prompt = await client.lastPrompt();
    assert.equal(report.uri, uri);
    assert.deepEqual(report.position, { line: 12, character: 8 });
    assert.equal(report.suggestion, item?.insertText);
    assert.deepEqual([report.by, report.strategy], ['run', 'suffixFirst']);
    assert.equal(report.strategyReason, "The model's file names it (fim.template.spm).");
    assert.equal(report.tokens.all, prompt?.tokens);
    assert.equal(report.tokens.reused + report.tokens.computed, report.tokens.all);
    assert.equal(
      report.parts.reduce((sum, { tokens }) => sum + tokens, 0),
      report.tokens.all,
    );
    const before = report.parts.find(({ what }) => what === 'before the cursor');
    assert.deepEqual([before?.source, before?.characters], ['src/list.ts', repetitive.length + 8]);
    assert.ok(report.proposals.some(({ proposer, text }) => proposer !== 'copy' && text !== ''));
    const { times } = report;
    assert.ok(times.prefill > 0 && times.decode > 0);
    const sum = Object.values<number>({ ...times }).reduce((all, ms) => all + ms, 0) - times.total;
    assert.ok(sum <= times.total + 1, `phases ${String(sum)} of ${String(times.total)} ms`);
  });

  it('is told of the earlier one while that is typed along', async () => {
    await client.open(uri, `${repetitive}items.pu`);
    await client.complete(uri, { line: 12, character: 8 });
    const first = await client.why();
    await client.insert(uri, { line: 12, character: 8 }, 's');
    const [item] = await client.complete(uri, { line: 12, character: 9 });
    const along = await client.why();
    assert.equal(along?.by, 'typedAlong');
    assert.equal(along.suggestion, item?.insertText);
    assert.equal(along.suggestion, first?.suggestion.slice(1));
    assert.deepEqual([along.parts, along.tokens, along.times], [first?.parts, first?.tokens, first?.times]);
  });

  it('counts what is accepted by the command that items carry, once each', async () => {
    await client.open(uri, `${repetitive}items.pu`);
    const [item] = await client.complete(uri, { line: 12, character: 8 });
    assert.equal(item?.command?.command, 'niwaki.accepted');
    assert.deepEqual((await client.statistics()).accepted, 0);
    await client.accepted(item);
    await client.accepted(item);
    const { since, ...counts } = await client.statistics();
    assert.ok(Math.abs(since - Date.now()) < 60_000);
    assert.deepEqual(counts, {
      requested: 1,
      returned: 1,
      suggestions: 1,
      accepted: 1,
      acceptedCharacters: (item.insertText as string).length,
      lookedAt: 0,
      kept: 0,
      keptCharacters: 0,
      partlyAccepted: 0,
      partlyAcceptedCharacters: 0,
      typedToTheEnd: 0,
    });
    await client.clearStatistics();
    assert.equal((await client.statistics()).accepted, 0);
  });

  it('ignores commands and ids that it never gave out', async () => {
    for (const params of [
      { command: 'niwaki.accepted' },
      { command: 'niwaki.accepted', arguments: [{}] },
      { command: 'niwaki.accepted', arguments: ['99999'] },
      { command: 'rm', arguments: ['-rf'] },
    ]) {
      await client.connection.sendRequest('workspace/executeCommand', params);
    }
    assert.equal((await client.statistics()).accepted, 0);
  });

  it('estimates word by word', async () => {
    await client.open(uri, `${repetitive}items.pu`);
    const [item] = await client.complete(uri, { line: 12, character: 8 });
    const word = /^\w+\W/.exec(item?.insertText as string)?.[0] ?? assert.fail('no word');
    await client.insert(uri, { line: 12, character: 8 }, word);
    await client.complete(uri, { line: 12, character: 8 + word.length });
    const { partlyAccepted, partlyAcceptedCharacters, accepted } = await client.statistics();
    assert.deepEqual([accepted, partlyAccepted, partlyAcceptedCharacters], [0, 1, word.length]);
  });
});

describe('integration: how a model is asked', function () {
  this.timeout(60_000);
  let folder: string;
  let path: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki strategy é-'));
    path = join(folder, 'qwen.gguf');
    const shape = { ...shapeNamed('qwen3-1.7B', 1), embedding: 256, feedForward: 512, vocabulary: 17_000 };
    writeGguf(path, { shape, metadata: { 'tokenizer.chat_template': { string: chatTemplate } } });
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const completion = settings.completion;
  const tried = async (client: LspClient): Promise<ModelDetails> => {
    const end = Date.now() + 20_000;
    for (;;) {
      const now = await details(client);
      if (now.strategyReason.startsWith('Tried on 12 snippets')) {
        return now;
      }
      assert.ok(Date.now() < end, now.strategyReason);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('is tried once where the file does not say, kept, and shown', async () => {
    const storagePath = join(folder, 'storage');
    const options = {
      settings: { ...settings, modelPath: path },
      storagePath,
      calibrateAfterSeconds: 3600,
    };
    const first = await LspClient.start({ ...options, probeAfterSeconds: 2 });
    await first.ready();
    assert.match((await details(first)).strategyReason, /has not been tried yet/);
    const found = await tried(first);
    assert.equal(found.strategy, 'prefixOnly'); // random weights do no better in any way
    assert.match(found.strategyReason, /suffix first -\d+\.\d\d, prefix first .*, prefix only .*, chat /);
    const end = Date.now() + 5_000;
    while (
      !existsSync(join(storagePath, 'strategy')) ||
      readdirSync(join(storagePath, 'strategy')).length !== 1
    ) {
      assert.ok(Date.now() < end, 'kept');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await first.stop();
    const second = await LspClient.start({ ...options, probeAfterSeconds: 3600 });
    await second.ready();
    assert.equal((await details(second)).strategyReason, found.strategyReason);
    await second.stop();
  });

  it('is what the setting says, and the prompt shows it', async () => {
    const client = await LspClient.start({
      settings: { ...settings, modelPath: path },
      probeAfterSeconds: 3600,
    });
    await client.ready();
    const text = 'function add(a, b) {\n  return \n}\n';
    const beginnings = {
      chat: '<|im_start|>user\nComplete the file src/list.ts.',
      suffixFirst: '<|file_sep|>src/list.ts\n<|fim_prefix|><|fim_suffix|>\n}',
      prefixFirst: '<|file_sep|>src/list.ts\n<|fim_prefix|>function add(a, b) {\n<|fim_suffix|>\n}',
      prefixOnly: 'function add(a, b) {\n  return',
    } as const;
    for (const [strategy, beginning] of Object.entries(beginnings)) {
      await client.configure({
        modelPath: path,
        completion: { ...completion, strategy: strategy as keyof typeof beginnings },
      });
      await client.open(uri, text);
      await client.complete(uri, { line: 1, character: 9 });
      const prompt = await client.lastPrompt();
      assert.ok(prompt?.text.startsWith(beginning), prompt?.text);
      const why = await client.why();
      assert.equal(why?.strategy, strategy);
      assert.match(why.strategyReason, /niwaki\.completion\.strategy/);
      await client.close(uri);
    }
    const status = await client.status();
    assert.equal(status.problem, '');
    await client.stop();
  });

  it('is not tried for the embedded model, whose file says it, nor in quiet mode', async () => {
    const mine = join(folder, 'mine.gguf');
    copyFileSync(join(root, 'models', 'nano.gguf'), mine);
    const storagePath = join(folder, 'nothing');
    for (const changes of [{ modelPath: mine }, { modelPath: path, quiet: 'always' as const }]) {
      const client = await LspClient.start({
        settings: { ...settings, ...changes },
        storagePath,
        calibrateAfterSeconds: 3600,
        probeAfterSeconds: 0.05,
      });
      await client.ready();
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.ok(!(await details(client)).strategyReason.startsWith('Tried'));
      await client.stop();
    }
    assert.ok(!existsSync(join(storagePath, 'strategy')));
  });

  it('falls back, and says why, where a model cannot do what the setting asks for', async () => {
    const template = join(folder, 'bad.gguf');
    writeGguf(template, {
      shape: shapeNamed('tiny'),
      metadata: {
        'tokenizer.chat_template': {
          string: '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
        },
      },
    });
    const client = await LspClient.start({
      settings: { ...settings, modelPath: template, completion: { ...completion, strategy: 'chat' } },
    });
    const { problem } = await client.ready();
    assert.equal(problem, '');
    const { strategy, strategyReason } = await details(client);
    assert.equal(strategy, 'prefixOnly');
    assert.match(strategyReason, /asks for chat, but the chat template does not come to an end\./);
    await client.stop();
  });

  it('can be tried on the command line', () => {
    const nano = niwaki(['try-strategies', join(root, 'models', 'nano.gguf'), '--threads', '1']);
    assert.equal(nano.status, 0, nano.err);
    assert.match(nano.out, /src\/basket\.ts +-\d/);
    assert.match(nano.out, /By these it would be asked suffixFirst\./);
    assert.match(nano.out, /Its file names suffixFirst \(fim\.template\.spm\), and that counts\./);
    const json = niwaki(['try-strategies', path, '--json']);
    const { header, scores, finding } = JSON.parse(json.out) as {
      header: string | null;
      scores: Record<string, number[]>;
      finding: { kind: string };
    };
    assert.equal(header, null);
    assert.deepEqual(Object.keys(scores), ['suffixFirst', 'prefixFirst', 'prefixOnly', 'chat']);
    assert.equal(finding.kind, 'prefixOnly');
    assert.equal(niwaki(['try-strategies']).status, 2);
    assert.equal(niwaki(['try-strategies', join(folder, 'none.gguf')]).status, 1);
  });
});
