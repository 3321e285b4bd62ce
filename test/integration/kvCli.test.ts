/** The command line's commands about the KV cache. */
import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shapeNamed, writeGguf } from '../support/ggufWriter';
import { niwaki } from './cliProcess';
import { root } from './lspClient';

const nano = join(root, 'models', 'nano.gguf');

interface Report {
  readonly text: { readonly tokens: number };
  readonly codecs: readonly {
    readonly codec: string;
    readonly careful: readonly number[];
    readonly bits: number;
    readonly bytesPerToken: number;
    readonly bytesAt32k: number;
    readonly quality: { readonly meanKl: number; readonly top1: number; readonly positions: number };
  }[];
  readonly kv4ByNorms: { readonly meanKl: number };
  readonly layers: readonly { readonly meanRatio: number }[];
  readonly recommendation: { readonly codec: string; readonly words: string };
}

describe('integration: the KV cache on the command line', function () {
  this.timeout(180_000);
  let folder: string;
  let mine: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki kv é-'));
    mine = join(folder, 'mine.gguf');
    copyFileSync(nano, mine);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('calibrates a model, keeps that, and goes by it until it is damaged', () => {
    const data = join(folder, 'data');
    const calibration = (): string =>
      (
        JSON.parse(niwaki(['doctor', '--model', mine, '--data', data, '--json']).out) as {
          kv: { calibration: string };
        }
      ).kv.calibration;
    assert.match(calibration(), /^not calibrated/);
    const { status, out, err } = niwaki(['kv-calibrate', mine, '--data', data, '--careful'], {
      timeoutMs: 150_000, // 20 seconds on two cores that have nothing else to do
    });
    assert.equal(status, 0, err);
    assert.match(out, /calibrated on 2048 tokens[\s\S]*layer +mean[\s\S]*\n {2}7 /);
    assert.match(out, /\nCareful layers: \d.* of 8 layers keep/);
    const [name = ''] = readdirSync(join(data, 'kv'));
    assert.match(name, /^[0-9a-f]{32}\.kvc$/);
    const file = join(data, 'kv', name);
    if (process.platform !== 'win32') {
      assert.equal(statSync(file).mode & 0o777, 0o600);
    }
    // The same weights and the same text as those of the embedded model's.
    assert.deepEqual(readFileSync(file), readFileSync(join(root, 'models', 'nano.kvc')));
    assert.match(calibration(), /^calibrated on a text, \d layers? at 8 bits$/);
    writeFileSync(file, readFileSync(file).subarray(0, 100));
    assert.match(calibration(), /^not calibrated/);
    assert.ok(
      existsSync(file),
      'it may have taken hours: only the editor deletes what is damaged, to make it anew',
    );
    assert.match(niwaki(['doctor', '--model', mine, '--data', data]).err, /calibration is damaged/);
  });

  it("calibrates on the user's own text, to a file of choice", () => {
    const text = join(folder, 'own.ts');
    const out = join(folder, 'own.kvc');
    writeFileSync(text, readFileSync(join(root, 'server', 'src', 'completion', 'completer.ts')));
    const result = niwaki(['kv-calibrate', mine, text, '--out', out, '--json']);
    assert.equal(result.status, 0, result.err);
    const { tokens, layers, written, careful } = JSON.parse(result.out) as {
      tokens: number;
      layers: unknown[];
      careful: unknown[];
      written: string;
    };
    assert.equal(layers.length, 8);
    assert.deepEqual(careful, [], 'nobody asked for them');
    assert.ok(tokens > 1000 && written === out && statSync(out).size > 8000);
    assert.notDeepEqual(readFileSync(out), readFileSync(join(root, 'models', 'nano.kvc')));
  });

  it('measures what every codec costs, and advises', () => {
    const { status, out, err } = niwaki(['kv-doctor', nano, '--tokens', '700', '--careful', '--json']);
    assert.equal(status, 0, err);
    const report = JSON.parse(out) as Report;
    assert.deepEqual(
      report.codecs.map(({ codec }) => codec),
      ['f16', 'kv8', 'kv4', 'kv4', 'kv43', 'kv3'],
    );
    assert.equal(report.text.tokens, 700);
    for (const [i, { codec, bytesPerToken, bytesAt32k, quality }] of report.codecs.entries()) {
      assert.equal(quality.positions, 700 - 128, codec);
      const larger = report.codecs[i - 1];
      assert.ok(larger === undefined || bytesPerToken < larger.bytesPerToken, codec);
      assert.ok(larger === undefined || bytesAt32k < larger.bytesAt32k, codec);
    }
    const [f16, kv8, careful, kv4] = report.codecs;
    assert.deepEqual(
      report.codecs.filter((row) => row.careful.length > 0),
      [careful],
    );
    assert.ok((careful?.quality.meanKl ?? 1) < (kv4?.quality.meanKl ?? 0));
    const layers = careful?.careful.length ?? NaN;
    assert.deepEqual([kv4?.bits, careful?.bits], [4.25, (layers * 8.25 + (8 - layers) * 4.25) / 8]);
    assert.equal(f16?.bytesPerToken, 4096);
    assert.ok((kv8?.quality.meanKl ?? 1) < (kv4?.quality.meanKl ?? 0));
    assert.ok((kv4?.quality.meanKl ?? 1) < 0.01 && (kv4?.bytesPerToken ?? 9999) < 4096 / 3.7);
    assert.ok(report.kv4ByNorms.meanKl > 0 && report.kv4ByNorms.meanKl !== kv4?.quality.meanKl);
    assert.equal(report.layers.length, 8);
    assert.ok(report.codecs.some(({ codec }) => codec === report.recommendation.codec));
    assert.match(report.recommendation.words, /572 positions.*this model file and this text.*few/);
  });

  it('says it in tables that people can read', () => {
    const text = join(folder, 'own.md');
    writeFileSync(text, readFileSync(join(root, 'docs', 'ARCHITECTURE.md')));
    const { status, out, err } = niwaki(['kv-doctor', nano, text, '--tokens', '400']);
    assert.equal(status, 0, err);
    assert.match(out, /400 tokens of ".*own\.md"/);
    assert.match(out, /\n {2}f16 +16\.00 +4\.00 KiB +32\.0 MiB +128\.0 MiB +0\.00000/);
    assert.match(out, /by the model's norms alone/);
    assert.match(out, /\n {2}kv4 careful +\d\.\d\d [\s\S]*\nCareful layers: \d.* of 8 layers/);
    assert.match(
      out,
      /Recommendation: (f16|kv\d+)( with careful layers)?\. .*\nTo use it: set "niwaki\.kv\.codec" to/,
    );
    assert.equal(err, '', 'progress is for terminals');
  });

  it('completes with the codec that is asked for', () => {
    const path = join(folder, 'list.ts');
    writeFileSync(path, `${"items.push('x');\n".repeat(8)}items.pu\n`);
    for (const codec of ['f16', 'kv8', 'kv4', 'kv43', 'kv3']) {
      const { status, out, err } = niwaki(['complete', `${path}:9:9`, '--kv', codec, '--json']);
      assert.equal(status, 0, err);
      assert.match((JSON.parse(out) as { suggestion: string }).suggestion, /^sh\('/, codec);
    }
    const doctor = niwaki(['doctor', '--kv', 'kv8']).out;
    assert.match(doctor, /Context: 2,048 tokens \(about 230 lines\), KV cache kv8, up to \d+ MB; calibrated/);
  });

  it('keeps half precision where heads cannot be coded, and says so', () => {
    const odd = join(folder, 'odd.gguf');
    writeGguf(odd, { shape: { ...shapeNamed('tiny'), heads: 8, headSize: 80 } });
    const doctor = niwaki(['doctor', '--model', odd]);
    assert.equal(doctor.status, 0, doctor.err);
    assert.match(doctor.out, /KV cache f16, up to/);
    assert.match(doctor.out, /half precision \(f16\): this model's heads have 80 values/);
    const measured = niwaki(['kv-doctor', odd]);
    assert.equal(measured.status, 1);
    assert.match(measured.err, /heads of this model have 80 values.*Use the codec f16/);
  });

  it('explains wrong use, without a stack', () => {
    const short = join(folder, 'short.txt');
    writeFileSync(short, 'too short');
    const cases: [string[], number, RegExp][] = [
      [['kv-doctor'], 2, /a GGUF file/],
      [['kv-calibrate'], 2, /a GGUF file/],
      [['kv-doctor', nano, short, short], 2, /a GGUF file/],
      [['kv-doctor', nano, '--tokens', '10'], 2, /--tokens takes 256 or more/],
      [['kv-doctor', nano, '--tokens', 'many'], 2, /--tokens/],
      [['kv-doctor', nano, short], 1, /short\.txt" has \d+ tokens.*at least 256.*longer text/],
      [['kv-calibrate', nano, short], 1, /at least 256/],
      [['kv-doctor', join(folder, 'none.gguf')], 1, /none\.gguf/],
      [['kv-doctor', nano, join(folder, 'none.txt')], 1, /none\.txt.*no such file/],
      [['kv-doctor', short], 1, /short\.txt/],
      [['kv-calibrate', mine, '--out', join(folder, 'no', 'where.kvc')], 1, /where\.kvc/],
      [['complete', `${short}:1:1`, '--kv', 'kv2'], 2, /--kv takes one of f16, kv8, kv4, kv43, kv3/],
    ];
    for (const [args, status, pattern] of cases) {
      const result = niwaki(args);
      assert.equal(result.status, status, `${args.join(' ')}: ${result.err}`);
      assert.match(result.err, pattern);
      assert.ok(!/\n\s+at /.test(result.err), result.err);
    }
  });

  it('ends at once with Ctrl-C', async function () {
    if (process.platform === 'win32') {
      this.skip(); // no such signal
    }
    const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'kv-doctor', nano], {
      stdio: 'ignore',
    });
    const ended = new Promise<string | null>((resolve) => {
      child.once('exit', (_code, signal) => {
        resolve(signal);
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(child.exitCode, null, 'it is in the middle of it');
    const started = performance.now();
    child.kill('SIGINT');
    assert.equal(await ended, 'SIGINT');
    assert.ok(performance.now() - started < 2000);
  });
});
