/** The command line as users run it: the built dist/cli.js in a process of its own. */
import * as assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { niwaki } from './cliProcess';
import { root } from './lspClient';

describe('integration: the command line', function () {
  this.timeout(60_000);
  let folder: string;
  const nano = join(root, 'models', 'nano.gguf');
  const write = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki cli é-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('completes at a place of a file', () => {
    const path = write('list.ts', `${"items.push('x');\n".repeat(8)}items.pu\n`);
    const { status, out, err } = niwaki(['complete', `${path}:9:9`, '--json']);
    assert.equal(status, 0, err);
    const result = JSON.parse(out) as { suggestion: string; prompt: { tokens: number; text: string } };
    assert.match(result.suggestion, /^sh\('/);
    assert.ok(result.prompt.text.includes("items.push('x');"));
    const shown = niwaki(['complete', `${path}:9:9`, '--show-prompt', '--max-tokens', '2']);
    assert.match(shown.out, /<\|fim_suffix\|>[\s\S]*--- suggestion ---\nsh/);
  });

  it('counts columns as editors do, also with emoji, CRLF and a byte order mark', () => {
    const path = write(
      'crlf.ts',
      `\uFEFF${"const tree = '🌳'; items.push(1);\r\n".repeat(6)}const tree = '🌳'; items.pu\r\n`,
    );
    const column = "const tree = '🌳'; items.pu".length + 1;
    const { status, out } = niwaki(['complete', `${path}:7:${String(column)}`, '--json']);
    assert.equal(status, 0);
    assert.match((JSON.parse(out) as { suggestion: string }).suggestion, /^sh\(/);
  });

  it('tells what a model file holds', () => {
    const { status, out } = niwaki(['inspect', nano, '--tensors']);
    assert.equal(status, 0);
    assert.match(out, /Niwaki can use this model/);
    assert.match(out, /token_embd\.weight\s+Q1_0\s+\[256, 16384\]/);
    const summary = JSON.parse(niwaki(['inspect', nano, '--json']).out) as {
      tensors: unknown[];
      problem: string;
    };
    assert.ok(summary.tensors.length > 80);
    assert.equal(summary.problem, '');
  });

  it('says why a model cannot be used', () => {
    const path = write('short.gguf', readFileSync(nano).subarray(0, 1_000_000));
    const { status, err, out } = niwaki(['inspect', path]);
    assert.notEqual(status, null);
    assert.match(out + err, /short\.gguf/);
    assert.match(out + err, /download|truncated|end/i);
    const completed = niwaki(['complete', `${nano}:1:1`, '--model', path]);
    assert.equal(completed.status, 1);
    assert.ok(completed.err.includes('short.gguf'));
  });

  it('tokenizes arguments, files and standard input, and keeps control tokens apart', () => {
    assert.equal(niwaki(['tokenize', 'hi there']).out, '5210 2756\n');
    assert.equal(niwaki(['tokenize'], { input: 'hi there' }).out, '5210 2756\n');
    assert.equal(niwaki(['tokenize', '--file', write('t.txt', 'hi there')]).out, '5210 2756\n');
    assert.equal(niwaki(['tokenize', '--special', '<|fim_middle|>']).out, '3\n');
    assert.notEqual(niwaki(['tokenize', '<|fim_middle|>']).out, '3\n');
    const { pieces } = JSON.parse(niwaki(['tokenize', '--json', 'a🌳b']).out) as { pieces: string[] };
    assert.ok(pieces.length >= 3);
  });

  it('says what this machine can do, and obeys NIWAKI_CPU', () => {
    const { status, out } = niwaki(['doctor', '--json']);
    assert.equal(status, 0);
    const { tables } = JSON.parse(out) as { tables: { name: string; verdict: string }[] };
    assert.equal(tables.filter((table) => table.verdict.startsWith('in use')).length, 1);
    const capped = niwaki(['doctor'], { env: { NIWAKI_CPU: 'generic' } });
    assert.match(capped.out, /generic\s+in use/);
    const wrong = niwaki(['doctor'], { env: { NIWAKI_CPU: 'abacus' } });
    assert.equal(wrong.status, 1);
    assert.match(wrong.err, /NIWAKI_CPU is "abacus"\. Unset it/);
    assert.match(wrong.out, /generic\s+not used: ruled out by the environment variable NIWAKI_CPU/);
  });

  it('says what this machine can do also when the model is no good', () => {
    const path = write('no model.gguf', 'GGUF');
    const { status, out, err } = niwaki(['doctor', '--model', path]);
    assert.equal(status, 1);
    assert.match(out, /Kernels \(self-test[^]*in use: the best that passed its self-test/);
    assert.ok(!out.includes('Model:'));
    assert.match(err, /^niwaki doctor: "[^"]*no model\.gguf": the GGUF file ends[^"]*$/);
    const json = niwaki(['doctor', '--model', path, '--json']);
    const report = JSON.parse(json.out) as { problem: string; tables: unknown[]; model?: unknown };
    assert.equal(json.status, 1);
    assert.ok(json.err.includes(report.problem) && report.tables.length > 1 && report.model === undefined);
  });

  it('explains wrong use, without a stack', () => {
    const cases: [string[], number, RegExp][] = [
      [[], 2, /Usage/],
      [['fly'], 2, /no command "fly"/],
      [['complete'], 2, /FILE:LINE:COL/],
      [['complete', 'x.ts'], 2, /FILE:LINE:COL/],
      [['complete', `${nano}:1:1`, '--max-tokens', '-3'], 2, /--max-tokens/],
      [['complete', join(folder, 'none.ts:1:1')], 1, /none\.ts/],
      [['complete', `${write('one.ts', 'a')}:5:1`], 2, /1 lines/],
      [['complete', `${write('one.ts', 'a')}:1:9`], 2, /columns 1 to 2/],
      [['complete', `${folder}:1:1`], 1, /folder|directory/i],
      [['inspect'], 2, /one GGUF file/],
      [['inspect', join(folder, 'none.gguf')], 1, /none\.gguf/],
      [['inspect', folder], 1, /./],
      [['tokenize', '--colour'], 2, /--colour/],
    ];
    for (const [args, status, pattern] of cases) {
      const result = niwaki(args);
      assert.equal(result.status, status, `${args.join(' ')}: ${result.err}`);
      assert.match(result.err, pattern, args.join(' '));
      assert.doesNotMatch(result.err, /^\s+at /m, 'a stack trace');
    }
  });
});
