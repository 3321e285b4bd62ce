/** How models are asked, as the completer does it, and how a suggestion can be accounted for afterwards. */
import * as assert from 'node:assert/strict';
import type { SuggestionReport } from '#protocol';
import { Completer, quietEffort, type CompletionRequest } from '../../../server/src/completion';
import { ScriptedEngine, type ScriptedOptions } from '../../../server/src/engine';
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
    info: { metadata: { 'fim.template.spm': spm }, parameters: small ? 10e6 : 1.7e9, ...options.info },
  });
  const host = new ModelHost({ engine, embeddedPath: '/embedded.gguf', log: silentLog });
  assert.equal(await host.load(automaticChoice), '');
  return { engine, host, completer: new Completer(engine, host) };
}

/** A request at the '|' of a text. */
function at(marked: string, more: Partial<CompletionRequest> = {}, version = 1): CompletionRequest {
  const text = marked.replace('|', '');
  return {
    document: { uri: 'file:///w/a.ts', path: 'src/a.ts', languageId: 'typescript', version, text },
    offset: marked.indexOf('|'),
    maxTokens: 40,
    only: 'model',
    ...more,
  };
}

function lastReport(completer: Completer): SuggestionReport {
  return completer.lastReport ?? assert.fail('no report');
}

describe('completion: each model in its way', () => {
  const chatTemplate =
    '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}' +
    "{{ '<|im_start|>assistant\\n' }}";

  it('asks a chat model for the missing code, its answer begun with the cursor’s line', async () => {
    const { completer, host, engine } = await stage({
      answer: () => '  return a + b;\n```\nThis adds the two.',
      info: { metadata: { 'tokenizer.chat_template': chatTemplate }, parameters: 1.7e9 },
    });
    host.setStrategy('chat');
    const suggestion = await completer.complete(at('function add(a, b) {\n  |\n}\n'), never);
    assert.equal(suggestion?.text, 'return a + b;');
    const run = engine.runs[0] ?? assert.fail('no run');
    assert.ok(run.prompt.includes('Complete the file src/a.ts'), run.prompt);
    assert.ok(run.prompt.includes('```\nfunction add(a, b) {\n\n```'), 'the lines before');
    assert.ok(run.prompt.includes('```\n\n}\n\n```'), 'the lines behind');
    assert.ok(run.prompt.endsWith('<|im_start|>assistant\n```\n'), 'healed: white space');
    const imEnd = await engine.findToken(host.model?.handle ?? 0, '<|im_end|>');
    assert.ok(run.request.stopTokens?.includes(imEnd));
    assert.ok(!run.request.sampling?.banned?.includes(imEnd));
  });

  it('stops a chat model once its block of code has ended', async () => {
    const { completer, host, engine } = await stage({
      answer: ({ request }) => `${request.requiredPrefix ?? ''}b;\n\`\`\`\n${'And so on. '.repeat(40)}`,
      decodeMsPerToken: 1,
      info: { metadata: { 'tokenizer.chat_template': chatTemplate }, parameters: 1.7e9 },
    });
    host.setStrategy('chat');
    assert.equal((await completer.complete(at('x = |\n', { maxTokens: 400 }), never))?.text, 'b;');
    const outcome = engine.runs[0]?.outcome;
    assert.ok(outcome !== undefined && 'tokens' in outcome && outcome.tokens.length < 40);
  });

  it('stops a model that does not know what follows where it comes to it', async () => {
    const { completer, host, engine } = await stage(
      {
        answer: ({ request }) =>
          `${request.requiredPrefix ?? ''}a();\n  b();\n}\nmore();\n${'and more();\n'.repeat(40)}`,
        decodeMsPerToken: 1,
      },
      false,
    );
    host.setStrategy('prefixOnly');
    const text = 'function f() {\n  |\n}\nmore();\n';
    assert.equal((await completer.complete(at(text, { maxTokens: 400 }), never))?.text, 'a();\n  b();');
    assert.ok(!engine.runs[0]?.prompt.includes('more'));
    const outcome = engine.runs[0]?.outcome;
    assert.ok(outcome !== undefined && 'tokens' in outcome && outcome.tokens.length < 30);
  });

  it('can say why nothing is suggested at a place', async () => {
    const { completer, engine } = await stage({ answer: () => 'compute(1);' });
    const places = { inComments: false, inStrings: true };
    assert.equal(await completer.complete(at('// and so |\n', { places }), never), undefined);
    const { filters, suggestion } = lastReport(completer);
    assert.deepEqual(filters, [{ name: 'place', outcome: 'completions in comments are off' }]);
    assert.equal(suggestion, '');
    assert.equal(engine.runs.length, 0);
  });

  it('does not offer what was suggested when the model was asked in another way', async () => {
    const { completer, host, engine } = await stage({ answer: () => 'compute(1);' });
    await completer.complete(at('let x = |'), never);
    host.setStrategy('prefixOnly');
    await completer.complete(at('let x = |'), never);
    assert.equal(engine.runs.length, 2);
    assert.ok(engine.runs[0]?.prompt.includes('<|fim_middle|>'));
    assert.ok(!engine.runs[1]?.prompt.includes('<|fim_middle|>'));
  });

  it('can say how a suggestion came about', async () => {
    const { completer } = await stage({
      answer: ({ request }) => `${request.requiredPrefix ?? ''}compute(1);`,
    });
    assert.equal(typeof completer.lastReport, 'undefined');
    const text = 'let a = 1;\nlet x = |\nlet y;';
    const effort = { ...quietEffort, pauseMs: 15 };
    await completer.complete(at(text, { effort }), never);
    const report = lastReport(completer);
    assert.deepEqual(report.position, { line: 1, character: 8 });
    assert.deepEqual([report.suggestion, report.proposer, report.by], ['compute(1);', 'model', 'run']);
    assert.deepEqual([report.strategy, report.languageId], ['suffixFirst', 'typescript']);
    assert.match(report.strategyReason, /fim\.template\.spm/);
    const { all, reused, computed } = report.tokens;
    assert.equal(all, (await completer.lastPrompt())?.tokens);
    assert.equal(reused + computed, all);
    assert.equal(
      report.parts.reduce((sum, part) => sum + part.tokens, 0),
      all,
    );
    const before = report.parts.find((part) => part.what === 'before the cursor');
    assert.deepEqual([before?.source, before?.characters], ['src/a.ts', text.indexOf('|')]);
    assert.equal(report.healed + report.written.slice(report.healed.length), report.written);
    const [proposal] = report.proposals;
    assert.deepEqual([proposal?.proposer, proposal?.text], ['model', 'compute(1);']);
    assert.equal(report.confidence, proposal?.confidence);
    assert.ok(report.times.debounce >= 10 && report.times.total >= report.times.debounce);
    await completer.complete(at(text.replace('|', 'comp|')), never);
    const along = lastReport(completer);
    assert.deepEqual([along.by, along.suggestion], ['typedAlong', 'ute(1);']);
    assert.deepEqual(along.position, { line: 1, character: 12 });
    assert.deepEqual(along.parts, report.parts, 'of the run that made it');
    await completer.complete(at('let z = 1|;', {}, 2), never);
    assert.equal(lastReport(completer).by, 'run');
  });
});
