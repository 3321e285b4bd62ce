/** Files of real sizes: they load, run a step, and take the memory that was promised. The weights are noise. */
import * as assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import { Priority, type EnginePort } from '../../server/src/engine/port';
import { shapes, writeGguf, type GgufOptions, type GgufSummary, type ShapeName } from '../support/ggufWriter';
import type { ShapeReport } from './shapesChild';
import { addonPath, codeOf, needAddon, root } from './support';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** In a process of its own, so that its memory is this file's and nothing else's. */
function measure(path: string): Promise<ShapeReport> {
  return new Promise((resolve, reject) => {
    const child = fork(join(__dirname, 'shapesChild.ts'), [path, addonPath], {
      cwd: root,
      execArgv: ['--expose-gc', '--import', 'tsx'],
    });
    child.once('message', (message: { readonly report?: ShapeReport; readonly error?: string }) => {
      if (message.report === undefined) {
        reject(new Error(message.error));
      } else {
        resolve(message.report);
      }
    });
    child.once('exit', (code, signal) => {
      reject(new Error(`the child ended without a report (${String(signal ?? code)})`));
    });
    child.once('error', reject);
  });
}

describe('native engine: files of real sizes', function () {
  this.timeout(60_000);
  let folder: string;

  before(function () {
    needAddon();
    folder = mkdtempSync(join(tmpdir(), 'niwaki-shapes-'));
    const { bavail, bsize } = statfsSync(folder);
    if (process.platform !== 'linux' || bavail * bsize < 3e9) {
      const why = process.platform === 'linux' ? `less than 3 GB free in ${tmpdir()}` : 'reads /proc';
      console.log(`      skipped: ${why}`);
      this.skip();
    }
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  interface Case {
    readonly shape: ShapeName;
    /** Bytes of all tensors: arithmetic over the published shape, by hand. */
    readonly tensorBytes: number;
    readonly kvBytesPerToken: number;
    /** Of the whole process, KV aside. */
    readonly mostResident: number;
  }
  const cases: readonly Case[] = [
    {
      shape: 'qwen3-1.7B',
      tensorBytes: 242_357_152,
      kvBytesPerToken: 112 * 1024,
      mostResident: 0.42e9,
    },
    { shape: 'qwen3-4B', tensorBytes: 566_416_384, kvBytesPerToken: 144 * 1024, mostResident: 0.75e9 },
    // 1,152,704,128 + about 6 MB of vocabulary is the size of the published Bonsai 8B file.
    { shape: 'qwen3-8B', tensorBytes: 1_152_704_128, kvBytesPerToken: 144 * 1024, mostResident: 1.35e9 },
  ];
  for (const { shape, tensorBytes, kvBytesPerToken, mostResident } of cases) {
    it(`${shape} loads, runs a step, and stays under ${megabytes(mostResident)} besides KV`, async () => {
      const path = join(folder, `${shape}.gguf`);
      const written: GgufSummary = writeGguf(path, { shape: shapes[shape], name: shape });
      let report: ShapeReport;
      try {
        report = await measure(path);
      } finally {
        rmSync(path, { force: true });
      }
      const { info, estimate, result } = report;
      assert.equal(written.tensorBytes, tensorBytes);
      assert.equal(report.problem, '');
      assert.equal(info.name, shape);
      assert.equal(info.fileBytes, written.fileBytes);
      assert.equal(info.parameters, written.parameters);
      assert.equal(info.vocabSize, shapes[shape].vocabulary);
      assert.equal(info.layers, shapes[shape].layers);
      assert.equal(info.tiedHead, shapes[shape].tied);
      assert.equal(info.kvBytesPerToken, kvBytesPerToken);

      assert.equal(result.reused, 0);
      assert.ok(result.evaluated > 4);
      assert.equal(result.tokens.length, 2);
      assert.equal(report.logprobs.length, 2);
      // Noise has no favourites: a logit of a sane size, not NaN and not a certainty.
      for (const logprob of report.logprobs) {
        assert.ok(logprob > -Math.log(info.vocabSize) && logprob < -1, `log probability ${String(logprob)}`);
      }

      assert.equal(estimate.weights, info.weightBytes);
      assert.equal(estimate.kv, 128 * kvBytesPerToken);
      const promised = estimate.weights + estimate.kv + estimate.scratch;
      const taken = report.rssAfter - report.rssBefore;
      const resident = report.rssAfter - estimate.kv;
      const figures =
        `resident ${megabytes(resident)} besides KV, taken ${megabytes(taken)}, ` +
        `promised ${megabytes(promised)}, loaded in ${report.loadMs.toFixed(0)} ms`;
      console.log(`      ${shape}: ${figures}`);
      assert.ok(resident < mostResident, figures);
      assert.ok(Math.abs(taken / promised - 1) <= 0.1, figures);
    });
  }
});

describe('native engine: what synthetic files may vary', function () {
  this.timeout(20_000);
  let folder: string;
  let engine: EnginePort;

  before(() => {
    needAddon();
    folder = mkdtempSync(join(tmpdir(), 'niwaki-synthetic-'));
    engine = createNativeEngine({ addonPath });
  });
  after(async () => {
    await engine.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function write(options: Partial<GgufOptions>): string {
    const path = join(folder, 'synthetic.gguf');
    rmSync(path, { force: true }); // the engine may hold a map of the last one
    writeGguf(path, { shape: shapes.tiny, ...options });
    return path;
  }

  async function run(options: Partial<GgufOptions>): Promise<readonly number[]> {
    const { model, info } = await engine.load({ path: write(options) });
    const session = await engine.openSession(model, 0);
    const tokens = await engine.tokenize(model, 'let x = "é漢";\n', false);
    assert.equal(await engine.detokenize(model, tokens), 'let x = "é漢";\n');
    const result = await engine.generate(
      {
        ...{ session, job: 1, priority: Priority.keystroke, tokens, maxTokens: 16 },
        sampling: { banned: [info.eos] },
      },
      () => undefined,
    );
    await engine.unload(model);
    return result.tokens;
  }

  const variants: readonly [string, Partial<GgufOptions>][] = [
    ['Q1_0', {}],
    ['F16', { type: 'F16' }],
    ['F32', { type: 'F32' }],
    ['BF16', { type: 'BF16' }],
    ['Q8_0', { type: 'Q8_0' }],
    ['an embedding and a head in Q8_0 over Q1_0', { embeddingType: 'Q8_0' }],
    ['an embedding in BF16 over Q1_0', { embeddingType: 'BF16', shape: { ...shapes.tiny, tied: true } }],
    ['GGUF version 2', { version: 2 }],
    ['a tied head', { shape: { ...shapes.tiny, tied: true } }],
    ['a vocabulary that ends within a panel', { shape: { ...shapes.tiny, vocabulary: 997 } }],
  ];
  for (const [what, options] of variants) {
    it(`runs ${what}`, async () => {
      const tokens = await run(options);
      assert.equal(tokens.length, 16);
      // Noise through a tied head likes best the token that it was given.
      if (options.shape?.tied !== true) {
        assert.ok(new Set(tokens).size > 1, 'more than one token over and over');
      }
    });
  }

  it('says the same for the same seed, something else for another', async () => {
    const one = await run({ seed: 1 });
    assert.deepEqual(await run({ seed: 1 }), one);
    assert.notDeepEqual(await run({ seed: 2 }), one);
  });

  const refused: readonly [string, NonNullable<GgufOptions['metadata']>, RegExp][] = [
    [
      'LongRoPE',
      { 'qwen3.rope.scaling.type': { string: 'longrope' } },
      /qwen3\.rope\.scaling\.type is "longrope"/,
    ],
    ['a Hadamard transform', { 'prism.hadamard.version': { u32: 1 } }, /prism\.hadamard\.version/],
    ['another architecture', { 'general.architecture': { string: 'llama' } }, /"llama".*"qwen3"/s],
    ['a missing key', { 'qwen3.block_count': undefined }, /qwen3\.block_count/],
    [
      'a pre-tokenizer that it lacks',
      { 'tokenizer.ggml.pre': { string: 'viking' } },
      /tokenizer\.ggml\.pre/,
    ],
  ];
  for (const [what, metadata, message] of refused) {
    it(`refuses ${what}, naming the field`, async () => {
      const path = write({ metadata });
      await assert.rejects(engine.load({ path }), message);
      assert.match((await engine.inspect(path)).problem, message);
      assert.match(await codeOf(engine.load({ path })), /^(unsupported|bad_file|not_found)$/);
    });
  }
});
