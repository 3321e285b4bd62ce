import * as assert from 'node:assert/strict';
import {
  Completer,
  WarmUp,
  type CompletionRequest,
  type DocumentSnapshot,
  type Place,
} from '../../../server/src/completion';
import { Priority, ScriptedEngine, type ScriptedOptions } from '../../../server/src/engine';
import { automaticChoice, ModelHost } from '../../../server/src/models';
import { silentLog } from '../../../server/src/util/log';

const templates = {
  spm: '<|file_sep|>{path}\n<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}',
  psm: '<|file_sep|>{path}\n<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>',
};
const never = new AbortController().signal;
const restMs = 20;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Stage {
  readonly engine: ScriptedEngine;
  readonly host: ModelHost;
  readonly completer: Completer;
  readonly warmUp: WarmUp;
}

interface StageOptions extends ScriptedOptions {
  readonly form?: keyof typeof templates;
  readonly asleep?: boolean;
  readonly mayWork?: boolean;
}

async function stage({
  form = 'spm',
  asleep = false,
  mayWork = true,
  ...options
}: StageOptions = {}): Promise<Stage> {
  const engine = new ScriptedEngine({
    answer: ({ request }) => `${request.requiredPrefix ?? ''}abc`,
    ...options,
    info: { metadata: { [`fim.template.${form}`]: templates[form] }, parameters: 10e6 },
  });
  const host = new ModelHost({ engine, embeddedPath: '/embedded.gguf', log: silentLog });
  if (asleep) {
    host.expect(automaticChoice);
  } else {
    assert.equal(await host.load(automaticChoice), '');
  }
  const completer = new Completer(engine, host);
  const warmUp = new WarmUp({ host, completer, mayWork: () => Promise.resolve(mayWork), restMs });
  return { engine, host, completer, warmUp };
}

const lines = Array.from({ length: 40 }, (_, i) => `const v${String(i)} = f(${String(i * 7)});`);

function documentOf(text: string, version = 1): DocumentSnapshot {
  return { uri: 'file:///w/a.ts', path: 'src/a.ts', languageId: 'typescript', version, text };
}

const text = lines.join('\n');
const middle = text.indexOf('v20');

function place(offset: number | undefined = middle, document = documentOf(text)): () => Place {
  return () => ({ document, offset, maxTokens: 40 });
}

function request(offset: number, document = documentOf(text)): CompletionRequest {
  return { document, offset, maxTokens: 40 };
}

/** Until the engine has ended so many jobs. */
async function runsOf({ engine }: Stage, count: number): Promise<void> {
  const deadline = performance.now() + 5000;
  while (engine.runs.length < count) {
    assert.ok(performance.now() < deadline, `${String(engine.runs.length)} of ${String(count)} runs`);
    await wait(2);
  }
}

describe('completion: warming up', () => {
  it('evaluates in advance what a completion at the cursor needs, and the completion then reuses all of it', async () => {
    const it = await stage();
    it.warmUp.expect(place());
    await runsOf(it, 1);
    const [warm] = it.engine.runs;
    assert.equal(warm?.request.priority, Priority.background);
    assert.equal(warm.request.maxTokens, 0);
    await it.completer.complete(request(middle), never);
    const run = it.engine.runs[1] ?? assert.fail();
    assert.equal(run.prompt, warm.prompt);
    const { tokensWarmed, tokensEvaluated, runs } = it.completer.counters.snapshot();
    assert.equal(tokensWarmed, warm.request.tokens.length);
    assert.ok(tokensEvaluated <= 1, `${String(tokensEvaluated)} tokens`);
    assert.equal(runs, 1, 'it is no completion');
  });

  it('waits until things are at rest', async () => {
    const it = await stage();
    it.warmUp.expect(place());
    for (let i = 0; i < 8; i += 1) {
      await wait(restMs / 4);
      it.warmUp.touch();
    }
    assert.equal(it.engine.runs.length, 0);
    await runsOf(it, 1);
    it.warmUp.touch();
    await wait(3 * restMs);
    assert.equal(it.engine.runs.length, 1, 'once');
  });

  it('makes way for a completion at once, and what it has evaluated stays', async () => {
    const it = await stage({ prefillMsPerToken: 1 });
    const begun = new Promise<void>((resolve) => {
      it.completer.changes.add(resolve);
    });
    it.warmUp.expect(place());
    await begun;
    await wait(100);
    const started = performance.now();
    const suggestion = await it.completer.complete(request(middle), never);
    assert.ok(suggestion !== undefined);
    const warmed = it.completer.counters.snapshot().tokensWarmed;
    const { tokensReused, tokensEvaluated } = it.completer.counters.snapshot();
    assert.ok(
      warmed >= 32 && tokensReused >= warmed,
      `${String(warmed)} warmed, ${String(tokensReused)} reused`,
    );
    assert.ok(it.engine.runs[0]?.outcome instanceof Error, 'it was cancelled');
    console.log(
      `      ${String(warmed)} tokens in advance, ${String(tokensEvaluated)} then, in ${(performance.now() - started).toFixed(0)} ms`,
    );
  });

  it('wakes no model, and goes on when somebody else has', async () => {
    const it = await stage({ asleep: true });
    it.warmUp.expect(place());
    await wait(3 * restMs);
    assert.equal(it.host.state, 'asleep');
    it.host.wake();
    await runsOf(it, 1);
  });

  it('keeps no model from being freed, but for as long as it runs', async () => {
    const it = await stage();
    it.warmUp.expect(place());
    await runsOf(it, 1);
    await it.host.sleep();
    assert.equal(it.host.state, 'asleep');
    it.warmUp.expect(place(middle + 1));
    await wait(3 * restMs);
    assert.equal(it.engine.runs.length, 1);
  });

  it('takes the end of the file where the cursor is not known and the prefix comes first, and guesses nothing else', async () => {
    const first = await stage({ form: 'psm' });
    first.warmUp.expect(() => ({ ...place()(), offset: undefined }));
    await runsOf(first, 1);
    await first.completer.complete(request(middle), never);
    const { tokensReused } = first.completer.counters.snapshot();
    const half = (first.engine.runs[1]?.request.tokens.length ?? 0) / 3;
    assert.ok(tokensReused > half, `${String(tokensReused)} tokens of what stands before the cursor`);

    const last = await stage({ form: 'spm' });
    last.warmUp.expect(() => ({ ...place()(), offset: undefined }));
    await wait(3 * restMs);
    assert.equal(last.engine.runs.length, 0);
  });

  it('does nothing where the machine is to be spared, the document has gone, or all is there already', async () => {
    const spared = await stage({ mayWork: false });
    spared.warmUp.expect(place());
    const gone = await stage();
    gone.warmUp.expect(() => undefined);
    const done = await stage({ answer: () => '' });
    await done.completer.complete({ ...request(middle), only: 'model' }, never); // nothing is suggested
    done.warmUp.expect(place());
    const along = await stage();
    await along.completer.complete(request(middle), never);
    const typed = `${text.slice(0, middle)}a${text.slice(middle)}`;
    along.warmUp.expect(place(middle + 1, documentOf(typed, 2))); // "abc" was suggested
    const disposed = await stage();
    disposed.warmUp.expect(place());
    disposed.warmUp.dispose();
    await wait(4 * restMs);
    const inAdvance = [spared, gone, done, along, disposed].map(
      ({ engine }) =>
        engine.runs.filter(({ request: { priority } }) => priority === Priority.background).length,
    );
    assert.deepEqual(inAdvance, [0, 0, 0, 1, 0], 'of what is typed along: what comes when it is taken');
  });

  for (const form of ['spm', 'psm'] as const) {
    it(`makes ready, once, what is needed when the suggestion is taken (${form})`, async () => {
      const it = await stage({ form });
      const suggestion = await it.completer.complete(request(middle), never);
      assert.ok(suggestion !== undefined);
      const asked = it.engine.runs.length;
      it.warmUp.expect(place());
      await runsOf(it, asked + 1);
      it.warmUp.expect(place());
      await wait(3 * restMs);
      assert.equal(it.engine.runs.length, asked + 1, 'once');
      const ahead = it.engine.runs[asked];
      assert.equal(ahead?.request.priority, Priority.background);
      assert.equal(ahead.request.maxTokens, 0);
      const taken = text.slice(0, middle) + suggestion.text + text.slice(suggestion.end);
      await it.completer.complete(request(middle + suggestion.text.length, documentOf(taken, 2)), never);
      assert.equal(it.engine.runs[asked + 1]?.prompt, ahead.prompt);
    });
  }

  it('does not wait for a rest where nobody types', async () => {
    const it = await stage();
    it.warmUp.expect(place(), true);
    await wait(0);
    await runsOf(it, 1);
    it.warmUp.expect(place(middle + 40), true);
    it.warmUp.touch();
    await wait(restMs / 4);
    assert.equal(it.engine.runs.length, 1, 'somebody does');
    await runsOf(it, 2);
  });
});
