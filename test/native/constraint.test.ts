/** Answers of a given form: masks from the worker, while the real engine computes. */
import * as assert from 'node:assert/strict';
import { build } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonSchemaGrammar, toolCallGrammar } from '../../server/src/conversation/masks';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import { Priority, type Constraint, type GenerateRequest, type GenerateResult } from '../../server/src/engine/port';
import { follows } from '../../server/src/grammar/closing';
import { parseEbnf } from '../../server/src/grammar/ebnf';
import type { Grammar } from '../../server/src/grammar/grammar';
import { toolSchemas } from '../unit/masks/schemas';
import { addonPath, Bench, codeOf, modelPath, needAddon, newJob, root, wait } from './support';

const tools = Object.entries(toolSchemas).map(([name, parameters]) => ({ name, parameters }));
const calls = toolCallGrammar(tools.slice(0, 6), { bounds: { stringLength: 40 } });
const list = parseEbnf('root ::= "[" item (", " item){3} "]"\nitem ::= [a-z]{2,6} | "\\"" [^"]{0,9} "\\""');

describe('native: constraints', () => {
  let bench: Bench;
  before(async () => {
    needAddon();
    bench = await Bench.open(2);
  });
  after(() => bench.engine.dispose());

  const ask = async (
    grammar: Grammar,
    { jump, ...request }: Partial<GenerateRequest> & { jump?: boolean } = {},
    prompt = 'const call = ',
  ): Promise<GenerateResult> => {
    const constraint: Constraint = jump === undefined ? { grammar } : { grammar, jump };
    return bench.generate({ tokens: await bench.tokenize(prompt), maxTokens: 200, constraint, sampling: {}, ...request });
  };

  it('hold from the first token to the end, with drawing and without', async () => {
    for (let seed = 0; seed < 6; seed += 1) {
      for (const grammar of [calls, list]) {
        const result = await ask(grammar, { sampling: seed === 0 ? {} : { temperature: 1.5, seed } });
        assert.equal(result.reason, 'end_of_text', result.text);
        assert.ok(follows(grammar, result.text), result.text);
        assert.ok(result.guided !== undefined && result.guided.waitMs >= 0);
      }
    }
  });

  it('hold with the fewest tokens that are enough, and are refused with fewer, before anything is evaluated', async () => {
    const refusal = /takes (\d+) tokens at least/;
    for (const grammar of [calls, list]) {
      let least = 0;
      await ask(grammar, { maxTokens: 1 }).catch((error: unknown) => {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'invalid_argument');
        assert.equal('evaluated' in error && error.evaluated, 0);
        least = Number(refusal.exec(error.message)?.[1]);
      });
      assert.ok(least > 5);
      assert.equal(await codeOf(ask(grammar, { maxTokens: least - 1 })), 'invalid_argument');
      for (const maxTokens of [least, least + 1, least + 7]) {
        const result = await ask(grammar, { maxTokens, sampling: { temperature: 2, seed: maxTokens } });
        assert.ok(result.tokens.length <= maxTokens);
        assert.ok(follows(grammar, result.text), result.text);
      }
    }
  });

  it('hold where the session has less room than the request allows', async () => {
    const session = await bench.engine.openSession(bench.model, 120);
    const tokens = (await bench.tokenize('x = 1\n'.repeat(60))).slice(0, 80);
    const result = await ask(list, { session, tokens, maxTokens: 500, sampling: { temperature: 1.5, seed: 4 } });
    assert.ok(follows(list, result.text), result.text);
    assert.equal(await codeOf(ask(calls, { session, tokens: [...tokens, ...tokens.slice(0, 38)] })), 'invalid_argument');
    await bench.engine.closeSession(session);
  });

  it('say the same with text said ahead and without, where there is one choice', async () => {
    // One-letter words between commas: no token reaches over a border that the grammar sets.
    const grammar = parseEbnf('root ::= [a-z] "0123456789" [a-z] "98765432100000" [a-z]');
    for (let seed = 0; seed < 4; seed += 1) {
      const sampling = { temperature: 1, seed };
      const ahead = await ask(grammar, { sampling });
      const singly = await ask(grammar, { sampling, jump: false });
      assert.equal(ahead.text, singly.text);
      assert.deepEqual(ahead.tokens, singly.tokens);
      assert.ok((ahead.guided?.forced ?? 0) > 10);
      assert.equal(singly.guided?.forced, 0);
      assert.ok(ahead.batches < singly.batches);
    }
  });

  it('say the same with lookup and without', async () => {
    const prompt = '[abc, abd, abe, abf]\n[abc, abd, abe, abf]\n';
    for (let seed = 0; seed < 4; seed += 1) {
      const sampling = { temperature: 0.4, seed };
      const plain = await ask(list, { sampling }, prompt);
      const drafted = await ask(list, { sampling, lookup: {} }, prompt);
      assert.deepEqual(drafted.tokens, plain.tokens);
      assert.ok(follows(list, drafted.text));
    }
  });

  it('say what else is asked for: probabilities, a required prefix, stop tokens at the end alone', async () => {
    const events: number[] = [];
    const tokens = await bench.tokenize('call: ');
    const constraint = { grammar: list };
    const result = await bench.generate(
      { tokens, constraint, maxTokens: 80, sampling: { logprobs: true }, requiredPrefix: '["' },
      (event) => {
        if (event.kind === 'token' && event.logprob !== undefined && event.logprob !== 0) {
          events.push(event.logprob);
        }
      },
    );
    assert.ok(result.text.startsWith('["') && follows(list, result.text), result.text);
    assert.ok(events.length >= result.tokens.length - 1 && events.every((logprob) => logprob < 0));
    const stop = (await bench.tokenize(']'))[0] as number;
    const text = await bench.engine.detokenize(bench.model, [stop]);
    assert.equal(text, ']');
    const free = parseEbnf('root ::= [a-z]{3} "!"*');
    const stopped = await ask(free, { stopTokens: [stop], sampling: { logitBias: [{ id: stop, bias: 100 }] } });
    assert.equal(stopped.reason, 'stop_token');
    assert.match(stopped.text, /^[a-z]{3}!*$/);
    assert.equal(await codeOf(ask(list, { forced: [stop] })), 'invalid_argument');
  });

  it('can be cancelled at any moment, and the session is as good as before', async () => {
    for (const after of [0, 1, 5, 20]) {
      const job = newJob();
      let seen = 0;
      const tokens = await bench.tokenize('cancel me: ');
      const long = jsonSchemaGrammar({ type: 'string', minLength: 1500 });
      const promise = bench.generate({ tokens, job, constraint: { grammar: long }, maxTokens: 1900, sampling: {} }, (event) => {
        seen += event.kind === 'token' ? 1 : 0;
        if (seen === after) {
          bench.engine.cancel(job);
        }
      });
      if (after === 0) {
        bench.engine.cancel(job);
        assert.equal(await codeOf(promise), 'cancelled');
      } else {
        assert.equal((await promise).reason, 'cancelled');
      }
      assert.ok(follows(list, (await ask(list)).text));
    }
  });

  it('several at once, and a keystroke between them', async () => {
    const sessions = await Promise.all([1, 2, 3].map(() => bench.engine.openSession(bench.model, 0)));
    const all = sessions.map((session, i) =>
      ask(i === 0 ? list : calls, { session, priority: Priority.chat, sampling: { temperature: 1, seed: i } }, `session ${String(i)}: `),
    );
    const key = await bench.generate({ tokens: await bench.tokenize('let x = '), maxTokens: 4 });
    assert.equal(key.tokens.length, 4);
    const results = await Promise.all(all);
    results.forEach(({ text }, i) => {
      assert.ok(follows(i === 0 ? list : calls, text), text);
    });
    for (const [i, session] of sessions.entries()) {
      const alone = await ask(i === 0 ? list : calls, { session, sampling: { temperature: 1, seed: i } }, `session ${String(i)}: `);
      assert.deepEqual(alone.tokens, results[i]?.tokens);
      await bench.engine.closeSession(session);
    }
  });

  it('are refused where the grammar cannot be followed', async () => {
    const left: Grammar = { root: 'a', rules: { a: { kind: 'sequence', of: [{ kind: 'rule', name: 'a' }, { kind: 'text', text: 'x' }] } } };
    assert.equal(await codeOf(ask(left)), 'unsupported');
    assert.ok(follows(list, (await ask(list)).text));
  });

  it('end with a reason, never a hang, when the worker dies; the next one gets a new worker', async function () {
    this.timeout(120_000);
    const folder = mkdtempSync(join(tmpdir(), 'niwaki-worker-'));
    const engine = createNativeEngine({ addonPath, maskWorker: join(folder, 'dying.cjs') });
    try {
      // Serves two steps, and then fails in a way that nobody has foreseen.
      const source = join(root, 'server/src/engine/guide');
      writeFileSync(
        join(folder, 'dying.ts'),
        `import { workerData } from 'node:worker_threads';
         import { loadAddon } from '${root}/server/src/engine/loadAddon';
         import { GuideServer } from '${source}/server';
         import { parentPort } from 'node:worker_threads';
         const desk = loadAddon(workerData.addonPath).guideDesk(workerData.desk);
         let steps = 0;
         const counted = { ...Object.fromEntries(['prepared', 'answer', 'fail', 'vocabulary', 'tokenize'].map((name) => [name, desk[name].bind(desk)])),
           next(most) { const request = desk.next(most); if (request.kind === 'tell' && (steps += 1) === 2) { process.exit(3); } return request; } };
         const server = new GuideServer(counted);
         parentPort.on('message', () => { if (!server.work()) parentPort.close(); });`,
      );
      await build({ entryPoints: [join(folder, 'dying.ts')], outfile: join(folder, 'dying.cjs'), bundle: true, platform: 'node', logLevel: 'error' });
      const { model } = await engine.load({ path: modelPath, threads: 2 });
      const session = await engine.openSession(model, 0);
      const tokens = await engine.tokenize(model, 'x = ', false);
      for (let round = 0; round < 2; round += 1) {
        const request = { session, job: newJob(), priority: Priority.chat, tokens, maxTokens: 100, constraint: { grammar: list, jump: false } };
        assert.equal(await codeOf(engine.generate(request, () => undefined)), 'internal');
        await wait(50);
      }
      const plain = await engine.generate({ session, job: newJob(), priority: Priority.chat, tokens, maxTokens: 3 }, () => undefined);
      assert.equal(plain.tokens.length, 3);
      const broken = createNativeEngine({ addonPath, maskWorker: join(folder, 'nowhere.cjs') });
      const other = await broken.load({ path: modelPath, threads: 1 });
      const nowhere = await broken.openSession(other.model, 0);
      const request = { session: nowhere, job: newJob(), priority: Priority.chat, tokens, maxTokens: 100, constraint: { grammar: list } };
      assert.equal(await codeOf(broken.generate(request, () => undefined)), 'internal');
      await broken.dispose();
    } finally {
      await engine.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('end when the model is unloaded, and leave no thread behind', async () => {
    const engine = createNativeEngine({ addonPath });
    const { model } = await engine.load({ path: modelPath, threads: 2 });
    const session = await engine.openSession(model, 0);
    const tokens = await engine.tokenize(model, 'x = ', false);
    const grammar = jsonSchemaGrammar({ type: 'string', minLength: 1500 });
    let first: (() => void) | undefined;
    const begun = new Promise<void>((resolve) => (first = resolve));
    const running = engine.generate(
      { session, job: newJob(), priority: Priority.chat, tokens, maxTokens: 1900, constraint: { grammar } },
      (event) => {
        if (event.kind === 'token') {
          first?.();
        }
      },
    );
    await begun;
    const [code] = await Promise.all([codeOf(running), engine.unload(model)]);
    assert.equal(code, 'cancelled');
    await engine.dispose();
  });
});
