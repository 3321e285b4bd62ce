import * as assert from 'node:assert/strict';
import { Completer, type CompletionRequest, type ContextSupply } from '../../../server/src/completion';
import { ContextChoice } from '../../../server/src/completion/contextChoice';
import { ScriptedEngine, type ScriptedOptions } from '../../../server/src/engine';
import { automaticChoice, ModelHost } from '../../../server/src/models';
import { silentLog } from '../../../server/src/util/log';
import type { ContextPart, ContextPlan } from '../../../server/src/workspace';

const spm = '<|file_sep|>{path}\n<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}';
const never = new AbortController().signal;
const uri = 'file:///w/a.ts';

function part(name: string, score: number, lines = 3): ContextPart {
  const text = `const ${name} = ${name}();\n`.repeat(lines);
  return { path: `${name}.ts`, text, startLine: 0, endLine: lines, source: 'open', score };
}

function planOf(...parts: ContextPart[]): ContextPlan {
  return { repository: 'shop', languageId: 'typescript', parts };
}

/** A model that is shown other files, and who plans for it. */
class Stage implements ContextSupply {
  current: ContextPlan | undefined;
  readonly forbidden = new Set<ContextPlan>();
  engine!: ScriptedEngine;
  completer!: Completer;

  static async start(options: ScriptedOptions = {}, parameters = 1.7e9): Promise<Stage> {
    const stage = new Stage();
    stage.engine = new ScriptedEngine({
      answer: () => 'x;',
      ...options,
      info: { metadata: { 'fim.template.spm': spm }, parameters, ...options.info },
    });
    const host = new ModelHost({ engine: stage.engine, embeddedPath: '/embedded.gguf', log: silentLog });
    assert.equal(await host.load(automaticChoice), '');
    stage.completer = new Completer(stage.engine, host, { context: stage });
    return stage;
  }

  plan(): ContextPlan | undefined {
    return this.current;
  }

  mayShow(plan: ContextPlan): boolean {
    return !this.forbidden.has(plan);
  }

  /** A completion's prompt at the '|'. */
  async prompt(marked: string, more: Partial<CompletionRequest> = {}): Promise<string> {
    await this.completer.complete({ ...place(marked), ...more }, never);
    return this.engine.runs.at(-1)?.prompt ?? '';
  }

  /** What is done at the '|' when the user rests. */
  async rest(marked: string, signal = never): Promise<void> {
    await this.completer.warm(place(marked), signal);
  }
}

let version = 0;

function place(marked: string): CompletionRequest {
  version += 1;
  const document = {
    uri,
    path: 'src/a.ts',
    languageId: 'typescript',
    version,
    text: marked.replace('|', ''),
  };
  return { document, offset: marked.indexOf('|'), maxTokens: 40 };
}

describe('completion: what is shown besides the file', () => {
  it('is shown once it has been read in the background, in the order of the plan', async () => {
    const stage = await Stage.start();
    stage.current = planOf(part('one', 0.1), part('two', 0.9));
    const head = '<|repo_name|>shop\n<|file_sep|>one.ts\nconst one = one();\n';
    assert.ok(
      (await stage.prompt('let a = |')).startsWith('<|file_sep|>src/a.ts\n'),
      'no keystroke waits for it',
    );
    await stage.rest('let a = |');
    const prompt = await stage.prompt('let ab = |');
    assert.ok(prompt.startsWith(head), prompt);
    assert.match(prompt, /<\|file_sep\|>two\.ts\n(const two = two\(\);\n){3}<\|file_sep\|>src\/a\.ts\n/);
    const run = stage.engine.runs.at(-1);
    assert.ok((run?.outcome instanceof Error ? 99 : (run?.outcome.evaluated ?? 0)) < 10, 'it had been read');
  });

  it('is not shown when reading it was interrupted', async () => {
    const stage = await Stage.start({ prefillMsPerToken: 5 });
    stage.current = planOf(part('one', 0.5, 20));
    const controller = new AbortController();
    const resting = stage.rest('let a = |', controller.signal);
    setTimeout(() => {
      controller.abort();
    }, 20);
    await assert.rejects(resting, { code: 'cancelled' });
    assert.ok((await stage.prompt('let b = |')).startsWith('<|file_sep|>src/a.ts\n'));
  });

  it('is gone with the next keystroke when it must not be shown any more', async () => {
    const stage = await Stage.start();
    const plan = planOf(part('one', 0.5));
    stage.current = plan;
    await stage.rest('let a = |');
    assert.match(await stage.prompt('let a = |'), /one\.ts/);
    stage.forbidden.add(plan);
    stage.current = undefined;
    assert.doesNotMatch(await stage.prompt('let ab = |'), /one\.ts/);
  });

  it('is not shown to models that were not trained for it', async () => {
    for (const [parameters, metadata] of [
      [10e6, { 'fim.template.spm': spm }],
      [1.7e9, { 'fim.template.psm': '<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>' }],
      [1.7e9, { 'fim.template.spm': spm, 'niwaki.context_share': '0' }],
    ] as const) {
      const stage = await Stage.start({ info: { metadata } }, parameters);
      stage.current = planOf(part('one', 0.5));
      await stage.rest('let a = |');
      assert.doesNotMatch(await stage.prompt('let a = |'), /one/);
    }
  });

  it('is written as comments for a model that only continues text', async () => {
    const stage = await Stage.start({ info: { metadata: {} } });
    stage.current = planOf(part('one', 0.5, 1));
    await stage.rest('let a = |');
    assert.ok((await stage.prompt('let a = |')).startsWith('// Path: one.ts\n// const one = one();\nlet'));
  });

  it('leaves the file its place: a large one keeps three quarters, a growing one takes what it needs', async () => {
    const context = 512;
    const stage = await Stage.start({
      info: { metadata: { 'fim.template.spm': spm }, contextLength: context },
    });
    stage.current = planOf(part('one', 0.5, 9), part('two', 0.9, 4), part('three', 0.1, 60));
    const line = 'call(a);\n';
    await stage.rest(`${line.repeat(10)}|`);
    const small = await stage.prompt(`${line.repeat(10)}|`);
    assert.match(small, /one\.ts[^]*two\.ts/);
    assert.doesNotMatch(small, /three\.ts/);
    const tokens = async (): Promise<number> => (await stage.completer.lastPrompt())?.tokens ?? 0;
    assert.ok((await tokens()) <= context - 40);
    // Typed on until the parts and the file have no room beside each other.
    let lines = 10;
    let growing = small;
    while (growing.includes('one.ts') && lines < 200) {
      lines += 5;
      growing = await stage.prompt(`${line.repeat(lines)}|`);
    }
    assert.ok(lines > 20, `${String(lines)} lines`);
    assert.ok(growing.includes(line.repeat(lines - 1)), 'the whole file');
    assert.match(growing, /two\.ts/, 'the best part stays longest');
    assert.ok((await tokens()) <= context - 40);
    assert.match(await stage.prompt(`${line.repeat(lines)}c|`), /two\.ts/);
    const large = await stage.prompt(`${line.repeat(500)}|`);
    const most = await tokens();
    assert.ok(most <= context - 40 && most > (context - 40) * 0.6, String(most));
    const own = large.slice(large.indexOf('src/a.ts'));
    assert.ok(own.length > large.length / 2);
  });

  it('does not change while reading it anew would take long', async () => {
    const engine = new ScriptedEngine({ info: { metadata: { 'fim.template.spm': spm }, parameters: 1.7e9 } });
    const host = new ModelHost({ engine, embeddedPath: '/embedded.gguf', log: silentLog });
    await host.load(automaticChoice);
    assert.ok(host.model);
    const choice = new ContextChoice(engine, host.model);
    const [first, second] = [planOf(part('one', 0.5)), planOf(part('two', 0.5))];
    assert.equal(choice.isWorthReading(uri, first, 100_000), true, 'the first one always is');
    choice.adopt(uri, await choice.choose(uri, first, 1_000, 100));
    assert.equal(choice.isWorthReading(uri, first, 100), false, 'it is shown');
    choice.measured(1_000, 10_000);
    assert.equal(choice.isWorthReading(uri, second, 290), true);
    assert.equal(choice.isWorthReading(uri, second, 310), false);
    choice.measured(10, 1); // too few to tell anything
    assert.equal(choice.isWorthReading(uri, second, 310), false);
    choice.measured(1_000, 1_000);
    assert.equal(choice.isWorthReading(uri, second, 310), true);
  });

  it('can be given with a request, for measuring, and then changes nothing for others', async () => {
    const stage = await Stage.start();
    assert.match(await stage.prompt('let a = |', { context: planOf(part('one', 0.5)) }), /one\.ts/);
    assert.doesNotMatch(await stage.prompt('let ab = |'), /one\.ts/);
  });

  it('is accounted for, part by part', async () => {
    const stage = await Stage.start();
    await stage.prompt('let a = |', { context: planOf(part('one', 0.5), part('two', 0.9, 5)) });
    const report = stage.completer.lastReport ?? assert.fail('no report');
    const [name, one, two, form] = report.parts;
    assert.deepEqual([name?.what, name?.source], ['the repository’s name', '']);
    assert.deepEqual([one?.what, one?.source], ['another file: open, similar lines', 'one.ts, lines 1 to 3']);
    assert.deepEqual([two?.source, two?.characters], ['two.ts, lines 1 to 5', part('two', 0, 5).text.length]);
    assert.equal(form?.what, 'the form');
    const sum = report.parts.reduce((all, { tokens }) => all + tokens, 0);
    assert.equal(sum, report.tokens.all);
  });
});
