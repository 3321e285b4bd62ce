import * as assert from 'node:assert/strict';
import {
  EngineError,
  Priority,
  type GenerateEvent,
  type GenerateRequest,
  type ModelHandle,
  type SessionHandle,
} from '../../../server/src/engine/port';
import { ScriptedEngine, type ScriptedOptions } from '../../../server/src/engine/scripted';
import { sleep } from '../../../server/src/util/sleep';
import { scriptedControlTokens, ScriptedTokenizer } from '../../../server/src/engine/scriptedTokenizer';

interface Bench {
  readonly engine: ScriptedEngine;
  readonly model: ModelHandle;
  readonly session: SessionHandle;
  /** Generates after `prompt` in the bench's session. */
  say(
    prompt: string,
    more?: Partial<GenerateRequest>,
    onEvent?: (event: GenerateEvent) => void,
  ): Promise<Said>;
}
type Said = Awaited<ReturnType<ScriptedEngine['generate']>>;

let nextJob = 1;

async function open(options: ScriptedOptions = {}): Promise<Bench> {
  const engine = new ScriptedEngine(options);
  const { model } = await engine.load({ path: 'model.gguf' });
  const session = await engine.openSession(model, 0);
  return {
    engine,
    model,
    session,
    say: (prompt, more = {}, onEvent = () => undefined) =>
      engine.generate(
        {
          session,
          job: nextJob++,
          priority: Priority.keystroke,
          tokens: engine.tokenizer.encode(prompt, true),
          maxTokens: 64,
          ...more,
        },
        onEvent,
      ),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    return error.code;
  }
  return 'no error';
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('scripted tokenizer', () => {
  const texts = [
    '',
    'const answer = 42;\n',
    '\tif (x) {\r\n\t\treturn "ünïcödé 漢字 👩‍💻";\r\n\t}',
    'a'.repeat(50),
    '  \n \t\n   ',
    '👍'.repeat(9),
  ];
  for (const text of texts) {
    it(`gives back ${JSON.stringify(text.slice(0, 30))}`, () => {
      const tokenizer = new ScriptedTokenizer();
      assert.equal(tokenizer.decode(tokenizer.encode(text, false)), text);
    });
  }

  it('has tokens of several characters, each with one id', () => {
    const tokenizer = new ScriptedTokenizer();
    const ids = tokenizer.encode('return value; return value;', false);
    assert.deepEqual(
      ids.map((id) => tokenizer.text(id)),
      ['return', ' value', ';', ' return', ' value', ';'],
    );
    assert.equal(ids[1], ids[4]);
  });

  it('parses control tokens only where it is told to', () => {
    const tokenizer = new ScriptedTokenizer();
    const text = 'a<|fim_middle|>b';
    const parsed = tokenizer.encode(text, true);
    assert.deepEqual(parsed, ['a'.charCodeAt(0), tokenizer.find('<|fim_middle|>'), 'b'.charCodeAt(0)]);
    const plain = tokenizer.encode(text, false);
    assert.ok(plain.every((id) => !tokenizer.isControl(id)));
    assert.equal(tokenizer.decode(plain), text);
  });

  it('finds what is one token and nothing else', () => {
    const tokenizer = new ScriptedTokenizer();
    for (const control of scriptedControlTokens) {
      assert.ok(tokenizer.isControl(tokenizer.find(control)), control);
    }
    assert.equal(tokenizer.text(tokenizer.find(' word')), ' word');
    assert.equal(tokenizer.find('two words'), -1);
  });
});

describe('scripted engine', () => {
  it('streams the answer and joins it', async () => {
    const { say } = await open({ answer: ({ text }) => `${text} said the parrot` });
    const events: GenerateEvent[] = [];
    const result = await say('hello', {}, (event) => events.push(event));
    const tokens = events.filter((event) => event.kind === 'token');
    assert.equal(result.text, 'hello said the parrot');
    assert.equal(tokens.map((event) => event.text).join(''), result.text);
    assert.deepEqual(
      tokens.map((event) => event.id),
      result.tokens,
    );
    assert.equal(result.reason, 'end_of_text');
    assert.equal(events[0]?.kind, 'prefill');
  });

  it('counts what it reuses by the longest common prefix', async () => {
    const { engine, say } = await open({ answer: () => ' four five' });
    const first = await say('one two three');
    assert.deepEqual([first.reused, first.evaluated], [0, 3]);
    // The last sampled token (" five") was never evaluated; what came before it was.
    const second = await say('one two three four five six');
    assert.deepEqual([second.reused, second.evaluated], [4, 2]);
    const changed = await say('one two THREE four');
    assert.deepEqual([changed.reused, changed.evaluated], [2, 2]);
    const same = await say('one two THREE four');
    assert.deepEqual([same.reused, same.evaluated], [3, 1], 'the last token is evaluated for its logits');
    assert.equal(engine.runs.length, 4);
  });

  it('keeps sessions apart', async () => {
    const { engine, model, say } = await open();
    await say('one two three');
    const other = await engine.openSession(model, 0);
    assert.equal((await say('one two three', { session: other })).reused, 0);
  });

  it('only evaluates the prompt with maxTokens 0', async () => {
    const { say } = await open({ answer: () => 'never said' });
    const result = await say('one two', { maxTokens: 0 });
    assert.deepEqual([result.text, result.tokens.length, result.evaluated], ['', 0, 2]);
  });

  it('stops at maxTokens', async () => {
    const { say } = await open({ answer: () => 'a b c d e' });
    const result = await say('x', { maxTokens: 2 });
    assert.deepEqual([result.text, result.reason], ['a b', 'max_tokens']);
  });

  it('stops at a stop string, whose beginnings it never shows', async () => {
    const { say } = await open({ answer: () => 'line one\n\nline two' });
    let shown = '';
    const result = await say('x', { stopStrings: ['\n\nline t'] }, (event) => {
      shown += event.kind === 'token' ? event.text : '';
    });
    assert.deepEqual([result.text, result.reason, shown], ['line one', 'stop_string', 'line one']);
  });

  it('gives out what it held back when no stop string came of it', async () => {
    const { say } = await open({ answer: () => 'almost EN' });
    const result = await say('x', { stopStrings: ['END'] });
    assert.deepEqual([result.text, result.reason], ['almost EN', 'end_of_text']);
  });

  it('stops at stop tokens and never says banned ones', async () => {
    const { engine, model, say } = await open({ answer: () => '<think>well<|im_end|>more' });
    const stop = await engine.findToken(model, '<|im_end|>');
    const think = await engine.findToken(model, '<think>');
    const result = await say('x', { stopTokens: [stop], sampling: { banned: [think] } });
    assert.deepEqual([result.text, result.reason], ['well', 'stop_token']);
  });

  it('lists its control tokens', async () => {
    const { engine, model } = await open();
    for (const { id, text } of await engine.specialTokens(model)) {
      assert.deepEqual(await engine.tokenize(model, text, true), [id]);
      assert.ok(!(await engine.tokenize(model, text, false)).includes(id));
    }
  });

  it('begins with the required prefix', async () => {
    const { say } = await open({
      answer: ({ request }) => (request.requiredPrefix === 'ret' ? 'return x' : '?'),
    });
    assert.equal((await say('x', { requiredPrefix: 'ret' })).text, 'return x');
    assert.equal((await say('x', { requiredPrefix: 'foo' })).text, 'foo?');
  });

  it('refuses prompts that are empty or beyond the context, and ends when it is full', async () => {
    const { say } = await open({ contextLength: 8, answer: () => 'a b c d e f g h' });
    assert.equal(await codeOf(say('')), 'invalid_argument');
    assert.equal(await codeOf(say('1 2 3 4 5 6')), 'context_overflow');
    const result = await say('one two three four five six');
    assert.deepEqual([result.tokens.length, result.reason], [2, 'context_full']);
  });

  it('rejects when cancelled before the first token and resolves after it', async () => {
    const { engine, say } = await open({
      prefillMsPerToken: 1,
      decodeMsPerToken: 5,
      answer: () => 'a b c d e f',
    });
    const early = say('word '.repeat(500), { job: 1001 });
    await wait(20);
    engine.cancel(1001);
    assert.equal(await codeOf(early), 'cancelled');
    const late = await say('short', { job: 1002 }, (event) => {
      if (event.kind === 'token') {
        engine.cancel(1002);
      }
    });
    assert.deepEqual([late.text, late.reason], ['a', 'cancelled']);
    assert.equal(engine.jobsInFlight, 0);
  });

  it('keeps what was evaluated before a cancel', async () => {
    const { engine, say } = await open({ prefillMsPerToken: 0.5 });
    const prompt = 'word '.repeat(200);
    const cut = say(prompt, { job: 1003 }, (event) => {
      if (event.kind === 'prefill' && event.done >= 64) {
        engine.cancel(1003);
      }
    });
    assert.equal(await codeOf(cut), 'cancelled');
    assert.ok((await say(prompt)).reused >= 64);
  });

  it('runs jobs by priority, then first come first served', async () => {
    const { say } = await open({ decodeMsPerToken: 2, answer: () => 'a b' });
    const order: string[] = [];
    const note = (name: string) => (): void => {
      order.push(name);
    };
    const first = say('1', { priority: Priority.background }).then(note('first'));
    await wait(1);
    await Promise.all([
      first,
      say('2', { priority: Priority.background }).then(note('background')),
      say('3', { priority: Priority.chat }).then(note('chat 1')),
      say('4', { priority: Priority.keystroke }).then(note('keystroke')),
      say('5', { priority: Priority.chat }).then(note('chat 2')),
    ]);
    assert.deepEqual(order, ['first', 'keystroke', 'chat 1', 'chat 2', 'background']);
  });

  it('tells what its jobs are doing', async () => {
    const { engine, model, say } = await open({ decodeMsPerToken: 20, answer: () => 'a b c' });
    const running = say('1', { priority: Priority.chat });
    const waiting = say('2 3', { priority: Priority.background });
    await wait(50);
    const { jobs } = await engine.jobs(model);
    assert.deepEqual(
      jobs.map(({ priority, state }) => [priority, state]),
      [
        [Priority.chat, 'running'],
        [Priority.background, 'waiting'],
      ],
    );
    assert.equal(jobs[0]?.done, jobs[0]?.total);
    assert.ok((jobs[0]?.decoded ?? 0) > 0 && jobs[1]?.done === 0);
    await Promise.all([running, waiting]);
    assert.deepEqual((await engine.jobs(model)).jobs, []);
  });

  it('ends a waiting job at once when it is cancelled', async () => {
    const { engine, say } = await open({ decodeMsPerToken: 50, answer: () => 'a b c' });
    const running = say('1');
    await wait(5);
    const start = performance.now();
    const waiting = say('2', { job: 1004 });
    engine.cancel(1004);
    assert.equal(await codeOf(waiting), 'cancelled');
    assert.ok(performance.now() - start < 40);
    assert.equal((await running).text, 'a b c');
  });

  it('refuses a job number that is in flight, and handles that it never gave out', async () => {
    const { engine, say } = await open({ decodeMsPerToken: 5, answer: () => 'a' });
    const running = say('1', { job: 1005 });
    assert.equal(await codeOf(say('2', { job: 1005 })), 'invalid_argument');
    await running;
    assert.equal(await codeOf(say('3', { session: 999 })), 'invalid_argument');
    assert.equal(await codeOf(engine.tokenize(999, 'x', false)), 'invalid_argument');
    assert.equal(await codeOf(engine.closeSession(999)), 'invalid_argument');
    engine.cancel(999);
  });

  it('ends jobs when the session is closed, the model unloaded, the engine disposed of', async () => {
    const options: ScriptedOptions = { decodeMsPerToken: 10, answer: () => 'a b c d e f g h' };
    const closed = await open(options);
    const early = closed.say('1');
    await closed.engine.closeSession(closed.session);
    assert.equal(await codeOf(early), 'cancelled');

    const unloaded = await open(options);
    const late = unloaded.say('1');
    const code = codeOf(late);
    await wait(25);
    await unloaded.engine.unload(unloaded.model);
    assert.equal(await code, 'cancelled', 'after the first token too');

    const disposed = await open(options);
    const last = codeOf(disposed.say('1'));
    await disposed.engine.dispose();
    assert.equal(await last, 'cancelled');
    assert.equal(await codeOf(disposed.engine.load({ path: 'x' })), 'invalid_argument');
  });

  it('passes on what the script and the callbacks throw', async () => {
    const failing = await open({
      answer: () => {
        throw new EngineError('out_of_memory', 'full');
      },
    });
    assert.equal(await codeOf(failing.say('1')), 'out_of_memory');
    const loud = await open({ answer: () => 'a' });
    const thrown = loud.say('1', {}, () => {
      throw new TypeError('mine');
    });
    await assert.rejects(thrown, TypeError);
    assert.equal((await loud.say('2')).text, 'a', 'the engine goes on');
  });

  it('can refuse to load', async () => {
    const engine = new ScriptedEngine({ loadError: new EngineError('bad_file', 'torn') });
    assert.equal(await codeOf(engine.load({ path: 'x' })), 'bad_file');
  });
});

describe('scripted engine: the KV cache', () => {
  const tokens = Array.from({ length: 300 }, (_, i) => i);
  const quietly = (): void => undefined;

  it('calibrates, and goes only by what is of its model', async () => {
    const engine = new ScriptedEngine();
    const { model, info } = await engine.load({ path: 'm' });
    const shares: number[] = [];
    const { bytes } = await engine.calibrateKv({ model, job: 1, tokens }, (share) => shares.push(share));
    assert.equal(shares.at(-1), 1);
    assert.equal(info.kvCalibration, 'norms');
    assert.deepEqual(await engine.useKvCalibration(model, bytes), { source: 'text', carefulLayers: 0 });
    await assert.rejects(engine.useKvCalibration(model, bytes.slice(1)), { code: 'bad_file' });
    await assert.rejects(engine.calibrateKv({ model, job: 2, tokens: [1] }, quietly), {
      code: 'invalid_argument',
    });
  });

  it('finds careful layers when it is asked to', async () => {
    const engine = new ScriptedEngine({ careful: [1, 3], info: { layers: 4, headSize: 64 } });
    const { model, info } = await engine.load({ path: 'm' });
    assert.deepEqual((await engine.calibrateKv({ model, job: 1, tokens }, quietly)).careful, []);
    const request = { model, job: 2, tokens, careful: true };
    const { bytes, careful } = await engine.calibrateKv(request, quietly);
    assert.deepEqual(careful, [1, 3]);
    assert.deepEqual(await engine.useKvCalibration(model, bytes), { source: 'text', carefulLayers: 2 });
    const plain = await engine.kvBytesFor(info, 'kv4', 1000);
    assert.equal(await engine.kvBytesFor(info, 'kv4', 1000, 2), plain * 1.5);
    assert.equal(await engine.kvTokensWithin(info, 'kv4', 3 * plain, 2), 2000);
  });

  it('cancels long jobs, alone and with their model', async () => {
    const engine = new ScriptedEngine({ kvMs: 2000 });
    const { model } = await engine.load({ path: 'm' });
    const first = engine.calibrateKv({ model, job: 1, tokens }, quietly);
    const second = engine.measureKv({ model, job: 2, tokens, codec: 'kv4' }, quietly);
    await sleep(5);
    engine.cancel(1);
    await assert.rejects(first, { code: 'cancelled' });
    await engine.unload(model);
    await assert.rejects(second, { code: 'cancelled' });
    assert.equal(engine.kv.calibrations, 0);
  });

  it('reckons sizes, and refuses heads that cannot be coded', async () => {
    const engine = new ScriptedEngine({ info: { headSize: 80 } });
    const { model, info } = await engine.load({ path: 'm' });
    await assert.rejects(engine.openSession(model, 0, 'kv4'), { code: 'unsupported' });
    assert.ok((await engine.openSession(model, 0)) > 0);
    assert.equal(await engine.kvFits(info, 'kv4'), false);
    const bytes = await engine.kvBytesFor(info, 'kv4', 4000);
    assert.equal(bytes * 4, await engine.kvBytesFor(info, 'f16', 4000));
    assert.equal(await engine.kvTokensWithin(info, 'kv4', bytes), 4000);
  });
});
