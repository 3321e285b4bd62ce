import * as assert from 'node:assert/strict';
import { Completer, quietEffort, type CompletionRequest } from '../../../server/src/completion';
import { EngineError, ScriptedEngine, type ScriptedOptions } from '../../../server/src/engine';
import { automaticChoice, ModelHost } from '../../../server/src/models';
import { silentLog } from '../../../server/src/util/log';

const spm = '<|file_sep|>{path}\n<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}';
const never = new AbortController().signal;

interface Stage {
  readonly engine: ScriptedEngine;
  readonly completer: Completer;
  readonly host: ModelHost;
}

async function stage(options: ScriptedOptions = {}, small = true): Promise<Stage> {
  const engine = new ScriptedEngine({
    ...options,
    info: {
      metadata: { 'fim.template.spm': spm },
      parameters: small ? 10e6 : 1.7e9,
      ...options.info,
    },
  });
  const host = new ModelHost({ engine, embeddedPath: '/embedded.gguf', log: silentLog });
  assert.equal(await host.load(automaticChoice), '');
  return { engine, host, completer: new Completer(engine, host) };
}

/** A request at the '|' of a text. */
function at(marked: string, more: Partial<CompletionRequest> = {}, version = 1): CompletionRequest {
  const offset = marked.indexOf('|');
  return {
    document: {
      uri: 'file:///w/a.ts',
      path: 'src/a.ts',
      languageId: 'typescript',
      version,
      text: marked.replace('|', ''),
    },
    offset,
    maxTokens: 40,
    ...more,
  };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('completion: the completer', () => {
  it('shows the model path, suffix and prefix in its own form, and returns the rest of the line', async () => {
    const { engine, completer } = await stage({ answer: () => 'compute(1);\nmore' });
    const suggestion = await completer.complete(at('let x = |\nlet y;'), never);
    assert.ok(suggestion);
    const { confidence, proposer, ...edit } = suggestion;
    assert.deepEqual(edit, { text: 'compute(1);', start: 8, end: 8 });
    assert.equal(proposer, 'model');
    assert.ok(confidence > 0 && confidence < 1);
    const prompt = engine.runs[0]?.prompt ?? '';
    assert.ok(
      prompt.startsWith('<|file_sep|>src/a.ts\n<|fim_prefix|><|fim_suffix|>\nlet y;<|fim_middle|>let x'),
      prompt,
    );
  });

  it('asks for the dropped text again and does not return it', async () => {
    const { engine, completer } = await stage({
      answer: ({ request }) => `${request.requiredPrefix ?? ''}lue`,
    });
    const suggestion = await completer.complete(at('let va|'), never);
    assert.equal(suggestion?.text, 'lue');
    const run = engine.runs[0];
    const healed = run?.request.requiredPrefix ?? '';
    assert.ok(healed !== '' && 'let va'.endsWith(healed));
    assert.ok(!run?.prompt.endsWith('let va'));
    assert.equal((await completer.lastPrompt())?.healed, healed);
  });

  it('copies from the prompt with large models only', async () => {
    for (const small of [true, false]) {
      const { engine, completer } = await stage({ answer: () => 'compute(1);' }, small);
      await completer.complete(at('let x = |\nlet y;'), never);
      assert.deepEqual(engine.runs[0]?.request.lookup, small ? undefined : {});
    }
  });

  it('expects a large model to go on as another file does', async () => {
    const { engine, host } = await stage({ answer: () => 'compute(1);' }, false);
    const otherTexts = (): string[] => ['const total = sumOf(values, weights);\nprint(total);\n'];
    const completer = new Completer(engine, host, { otherTexts });
    await completer.complete(at('let a = 1;\nconst total = sum|\nlet y;'), never);
    const { lookup, requiredPrefix } = engine.runs[0]?.request ?? {};
    const model = host.model?.handle;
    assert.ok(model !== undefined && lookup?.expected !== undefined);
    const expected = await engine.tokenize(model, `${requiredPrefix ?? ''}Of(values, weights);\n`, false);
    assert.deepEqual(lookup.expected, expected);
  });

  it('answers from the last suggestion while it is typed along', async () => {
    const { engine, completer } = await stage({
      answer: ({ request }) => `${request.requiredPrefix ?? ''}compute(1);`,
    });
    assert.equal((await completer.complete(at('let x = |'), never))?.text, 'compute(1);');
    assert.equal((await completer.complete(at('let x = com|'), never))?.text, 'pute(1);');
    assert.equal((await completer.complete(at('let x = compute(|)'), never))?.text, '1);');
    assert.equal(engine.runs.length, 1);
    assert.equal(completer.counters.snapshot().typedAlong, 2);
    assert.equal(completer.counters.snapshot().runs, 1);
  });

  it('asks for the same confidence of a rest that is typed along, unless the user asks by a command', async () => {
    const { engine, completer } = await stage({
      answer: ({ request }) => `${request.requiredPrefix ?? ''}compute(1);`,
    });
    const shown = await completer.complete(at('let x = |', { invoked: true, minConfidence: 0.999 }), never);
    assert.equal(shown?.text, 'compute(1);');
    assert.ok(shown.confidence < 0.999);
    const more = { minConfidence: 0.999 };
    assert.equal(await completer.complete(at('let x = com|', more), never), undefined);
    const rest = await completer.complete(at('let x = com|', { ...more, invoked: true }), never);
    assert.equal(rest?.text, 'pute(1);');
    assert.equal(engine.runs.length > 1, true, 'the model is asked again where the rest is not sure enough');
  });

  it('answers requests of two documents beside each other', async () => {
    const { completer } = await stage({ answer: () => 'abc', decodeMsPerToken: 20 });
    const first = completer.complete(at('let x = |'), never);
    await wait(10);
    const request = at('let xy = |');
    const other = { ...request, document: { ...request.document, uri: 'file:///w/b.ts' } };
    assert.equal((await completer.complete(other, never))?.text, 'abc');
    assert.equal((await first)?.text, 'abc');
    assert.equal(completer.counters.snapshot().cancelled, 0);
  });

  it('lets the latest request win', async () => {
    const { engine, completer } = await stage({ answer: () => 'abc', decodeMsPerToken: 20 });
    const first = completer.complete(at('let x = |'), never);
    await wait(10);
    const second = completer.complete(at('let xy = |'), never);
    await assert.rejects(first, { code: 'cancelled' });
    assert.equal((await second)?.text, 'abc');
    assert.equal(completer.counters.snapshot().cancelled, 1);
    assert.equal(engine.jobsInFlight, 0);
  });

  it('stops when the editor gives up', async () => {
    const { engine, completer } = await stage({ answer: () => 'abc', prefillMsPerToken: 5 });
    const controller = new AbortController();
    const promise = completer.complete(at('let x = |'), controller.signal);
    await wait(10);
    controller.abort();
    await assert.rejects(promise, { code: 'cancelled' });
    assert.equal(engine.jobsInFlight, 0);
    assert.equal(completer.busy, false);
  });

  it('computes only what was typed', async () => {
    const { completer } = await stage({ answer: ({ request }) => `${request.requiredPrefix ?? ''}zzz` });
    const head = 'const first = 1;\n'.repeat(20);
    await completer.complete(at(`${head}let x|\nend`), never);
    const before = completer.counters.snapshot().tokensEvaluated;
    await completer.complete(at(`${head}let xy|\nend`), never);
    const evaluated = completer.counters.snapshot().tokensEvaluated - before;
    assert.ok(evaluated <= 3, `${String(evaluated)} tokens`);
  });

  it('extends the item that is selected in the suggest widget', async () => {
    const { engine, completer } = await stage({
      answer: ({ request }) => `${request.requiredPrefix ?? ''}(text);`,
    });
    const request = at('console.lo|', { selected: { start: 8, end: 10, text: 'log' } });
    const suggestion = await completer.complete(request, never);
    assert.deepEqual(suggestion && [suggestion.text, suggestion.start, suggestion.end], [
      'log(text);',
      8,
      10,
    ]);
    assert.ok(engine.runs[0]?.prompt.includes('console.'));
  });

  it('lets capable models write the body of a block, and one line elsewhere', async () => {
    const text = 'a();\nb();\nc();';
    const { completer } = await stage({ answer: () => text.replaceAll('\n', '\n  ') }, false);
    const body = at('function f() {\n  |\n}\n');
    assert.equal((await completer.complete(body, never))?.text, text.replaceAll('\n', '\n  '));
    assert.equal((await completer.complete(at('  |\nend'), never))?.text, 'a();');
    assert.equal((await completer.complete(at('x = | + 1;\nend'), never))?.text, 'a();');
  });

  it('keeps all lines of a body while it is typed along', async () => {
    const { completer, engine } = await stage(
      { answer: ({ request }) => `${request.requiredPrefix ?? ''}a();\n  b();\n  c();\n}` },
      false,
    );
    const typed = async (line: string): Promise<string | undefined> =>
      (await completer.complete(at(`function f() {\n  ${line}|\n}\n`), never))?.text;
    assert.equal(await typed(''), 'a();\n  b();\n  c();');
    assert.equal(await typed('a'), '();\n  b();\n  c();');
    assert.equal(await typed('a();\n  b'), '();\n  c();');
    assert.equal(engine.runs.length, 1);
  });

  it('offers several distinct suggestions where they are asked for, and no more runs than one elsewhere', async () => {
    const answers = ['compute(1);', 'compute(1);', 'other(2);', 'third(3);'];
    const { completer, engine } = await stage({ answer: () => answers[engine.runs.length] ?? '' });
    const found = await completer.completeAll(at('let x = |', { alternatives: 3, invoked: true }), never);
    assert.deepEqual(
      found.map(({ text }) => text),
      ['compute(1);', 'other(2);', 'third(3);'],
    );
    const temperatures = engine.runs.map(({ request }) => request.sampling?.temperature ?? 0);
    assert.deepEqual([temperatures[0], temperatures.slice(1).every((t) => t > 0)], [0, true]);
    assert.equal(new Set(engine.runs.map(({ request }) => request.sampling?.seed)).size, 4);
    assert.equal((await completer.completeAll(at('let y = |'), never)).length, 0);
    assert.equal(engine.runs.length, 5);
  });

  it('stops a model that repeats itself', async () => {
    const { completer, engine } = await stage(
      { answer: () => 'foo();\n  bar();\n  '.repeat(50), decodeMsPerToken: 1 },
      false,
    );
    const request = at('function f() {\n  |\n}\n', { maxTokens: 400 });
    assert.equal((await completer.complete(request, never))?.text, 'foo();\n  bar();');
    const outcome = engine.runs[0]?.outcome;
    assert.ok(outcome !== undefined && 'tokens' in outcome && outcome.tokens.length < 60);
  });

  it('cuts where it first saw the end, whatever the engine writes until it hears of it', async () => {
    for (const decodeMsPerToken of [0, 1]) {
      const { completer } = await stage({
        answer: () => `0, 1, 2, ${'0, 1, 2, '.repeat(30)}`,
        decodeMsPerToken,
      });
      assert.equal((await completer.complete(at('x = |'), never))?.text, '0, 1, 2,');
    }
  });

  it('never offers half a character', async () => {
    const { completer } = await stage({ answer: () => '本日\uFFFD' });
    assert.equal((await completer.complete(at('x = |'), never))?.text, '本日');
  });

  it('leaves room for context whatever the settings ask for', async () => {
    const { completer, engine } = await stage({ answer: () => 'abc', contextLength: 400 });
    assert.equal((await completer.complete(at('let x = |', { maxTokens: 5000 }), never))?.text, 'abc');
    assert.equal(engine.runs[0]?.request.maxTokens, 100);
  });

  it('writes line breaks as the file does', async () => {
    const { completer } = await stage({ answer: () => 'a();\n  b();' }, false);
    const request = at('function f() {\r\n  |\r\n}\r\n');
    assert.equal((await completer.complete(request, never))?.text, 'a();\r\n  b();');
  });

  it('bans what chat models think, and ends at the end of text', async () => {
    const { completer, engine } = await stage({ answer: () => 'x' });
    await completer.complete(at('let x = |'), never);
    const request = engine.runs[0]?.request;
    const eos = await engine.findToken(1, '<|endoftext|>');
    assert.equal(eos < 0 || (request?.stopTokens ?? []).includes(eos), true);
  });

  it('passes errors of the engine on', async () => {
    const { completer } = await stage({
      answer: () => {
        throw new EngineError('out_of_memory', 'no memory; choose a smaller model');
      },
    });
    await assert.rejects(completer.complete(at('let x = |'), never), { code: 'out_of_memory' });
    assert.equal(completer.busy, false);
  });

  it('goes on after the model was replaced', async () => {
    const { completer, host, engine } = await stage({ answer: () => 'abc' });
    await completer.complete(at('let x = |'), never);
    await host.restart();
    assert.equal((await completer.complete(at('let x = |'), never))?.text, 'abc');
    assert.equal(engine.runs.length, 2);
  });

  it('fits a file that is larger than the context', async () => {
    const { completer, engine } = await stage({
      answer: ({ request }) => `${request.requiredPrefix ?? ''}abc`,
      contextLength: 400,
    });
    const lines = Array.from({ length: 300 }, (_, i) => `const v${String(i)} = ${String(i)};`).join('\n');
    const middle = lines.indexOf('v150 ');
    const request = at('|');
    const text = lines;
    const suggestion = await completer.complete(
      { ...request, document: { ...request.document, text }, offset: middle },
      never,
    );
    assert.ok(suggestion !== undefined);
    const run = engine.runs[0];
    assert.ok((run?.request.tokens.length ?? 0) <= 400 - request.maxTokens);
    assert.ok((run?.request.tokens.length ?? 0) > 120);
    assert.ok(run?.prompt.includes('v149') && run.prompt.includes('v151'));
  });

  it('frees what it keeps for a document that was closed', async () => {
    const { completer, engine } = await stage({ answer: () => 'abc' });
    await completer.complete(at('let x = |'), never);
    await completer.forget('file:///w/a.ts');
    assert.equal((await completer.complete(at('let x = |'), never))?.text, 'abc');
    assert.equal(engine.runs.length, 2);
  });

  it('waits in quiet mode for a pause in typing, and spares threads, tokens and lines', async () => {
    const { engine, completer } = await stage(
      { answer: () => 'one();\ntwo();\n', info: { threads: 6 } },
      false,
    );
    const effort = { ...quietEffort, pauseMs: 40 };
    const hasty = assert.rejects(completer.complete(at('a|', { effort }), never), { code: 'cancelled' });
    await wait(10);
    const started = performance.now();
    const suggestion = await completer.complete(at('ab|', { effort, maxTokens: 500 }), never);
    await hasty;
    assert.ok(performance.now() - started > 35);
    assert.equal(engine.runs.length, 1, 'what was typed over never reached the engine');
    assert.equal(suggestion?.text, 'one();');
    const { threads, maxTokens } = engine.runs[0]?.request ?? assert.fail();
    assert.deepEqual([threads, maxTokens], [3, 32]);
    const asked = performance.now();
    await completer.complete(at('abc |', { effort: { ...effort, pauseMs: 5000 }, invoked: true }), never);
    assert.ok(performance.now() - asked < 2000, 'who asks by a command is not kept waiting');
  });

  it('begins anew when its model was freed meanwhile', async () => {
    const { engine, completer, host } = await stage({ answer: () => 'x();' });
    await completer.complete(at('let a = |'), never);
    await host.sleep();
    assert.equal(host.state, 'asleep');
    assert.equal((await completer.complete(at('let b = |'), never))?.text, 'x();');
    await completer.forget('file:///w/a.ts');
    assert.equal(engine.runs.length, 2);
  });
});
