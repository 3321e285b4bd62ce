/** 300 spoilt model files: each is refused with a reason or loads and runs; none crashes, hangs or takes much memory. */
import * as assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shapes, writeGguf } from '../support/ggufWriter';
import { headerFields, mutants, type Mutant } from '../support/mutate';
import { Random } from '../support/random';
import type { MutationReport } from './mutationsChild';
import { addonPath, needAddon, root } from './support';

const count = 300;
const mostMs = 2000;
const mostExtraBytes = 1e9;
/** A child that says nothing for this long hangs; longer than `mostMs`, so that it can tell how slow a file was. */
const hangMs = 10_000;

/** One of the processes that try the files. A crash ends only the child, and is put down to the file that it had. */
class Child {
  private process: ChildProcess | undefined;

  private start(): Promise<ChildProcess> {
    const child = fork(join(__dirname, 'mutationsChild.ts'), [addonPath], {
      cwd: root,
      execArgv: ['--import', 'tsx'],
    });
    return new Promise((resolve, reject) => {
      child.once('message', () => {
        child.removeAllListeners('exit');
        resolve(child);
      });
      child.once('exit', (code, signal) => {
        reject(new Error(`a child did not start (${String(signal ?? code)})`));
      });
    });
  }

  async try(path: string): Promise<MutationReport> {
    this.process ??= await this.start();
    const child = this.process;
    return new Promise((resolve) => {
      const started = performance.now();
      const lost = (outcome: string): void => {
        this.process = undefined;
        resolve({ path, outcome, message: '', ms: performance.now() - started, extraBytes: 0 });
      };
      const timer = setTimeout(() => {
        child.removeAllListeners();
        child.kill('SIGKILL');
        lost('hung');
      }, hangMs);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        child.removeAllListeners();
        lost(`crashed (${String(signal ?? code)})`);
      });
      child.once('message', (report: MutationReport) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(report);
      });
      child.send(path);
    });
  }

  stop(): void {
    this.process?.kill();
  }
}

describe('native engine: 300 spoilt model files', function () {
  this.timeout(120_000);
  let folder: string;
  let sound: Buffer;
  let files: readonly Mutant[];
  const reports: (MutationReport & { readonly what: string })[] = [];

  before(async () => {
    needAddon();
    folder = mkdtempSync(join(tmpdir(), 'niwaki-mutants-'));
    const soundPath = join(folder, 'sound.gguf');
    writeGguf(soundPath, { shape: shapes.tiny });
    sound = readFileSync(soundPath);
    files = mutants(sound, count, new Random(3));
    const children = [new Child(), new Child()];
    // What the engine takes once, whatever it loads, is taken by a sound file.
    for (const child of children) {
      const { outcome, message } = await child.try(soundPath);
      assert.equal(outcome, 'loaded', message);
    }
    const queue = [...files];
    const started = performance.now();
    await Promise.all(
      children.map(async (child, index) => {
        const path = join(folder, `mutant-${String(index)}.gguf`);
        for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
          writeFileSync(path, mutant.bytes);
          reports.push({ ...(await child.try(path)), what: mutant.what });
        }
        child.stop();
      }),
    );
    const loaded = reports.filter(({ outcome }) => outcome === 'loaded').length;
    const slowest = Math.max(...reports.map(({ ms }) => ms));
    const largest = Math.max(...reports.map(({ extraBytes }) => extraBytes));
    console.log(
      `      ${String(loaded)} of ${String(reports.length)} load and run; slowest ${slowest.toFixed(0)} ms, ` +
        `most memory ${(largest / 1e6).toFixed(0)} MB beyond the file; ${((performance.now() - started) / 1000).toFixed(1)} s in all`,
    );
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const failing = (isBad: (report: MutationReport) => boolean): string[] =>
    reports
      .filter(isBad)
      .map(({ what, outcome, message, ms, extraBytes }) =>
        [what, outcome, message, `${ms.toFixed(0)} ms`, `${(extraBytes / 1e6).toFixed(0)} MB`].join('; '),
      );

  it('are as many as they should be, all different from the sound one, with a lie in every field', () => {
    assert.equal(reports.length, count);
    assert.ok(files.every(({ bytes }) => !bytes.equals(sound)));
    const { fields } = headerFields(sound);
    assert.ok(fields.length > 150, `${String(fields.length)} fields`);
    for (const { what } of fields) {
      assert.ok(
        files.some((file) => file.what.startsWith(`${what} is said`)),
        what,
      );
    }
  });

  it('crash nothing and hang nothing', () => {
    assert.deepEqual(
      failing(({ outcome }) => outcome.startsWith('crashed') || outcome === 'hung'),
      [],
    );
    assert.deepEqual(
      failing(({ ms }) => ms > mostMs),
      [],
    );
  });

  it('take no more than a gigabyte beyond their size', function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: reads /proc');
      this.skip();
    }
    assert.deepEqual(
      failing(({ extraBytes }) => extraBytes > mostExtraBytes),
      [],
    );
  });

  it('load, or are refused with a code, the reason and what to do', () => {
    const codes = ['loaded', 'bad_file', 'unsupported', 'not_found'];
    assert.deepEqual(
      failing(({ outcome }) => !codes.includes(outcome)),
      [],
    );
    assert.deepEqual(
      failing(({ outcome, message }) => outcome !== 'loaded' && !/mutant-\d\.gguf"?: .{20,}; .{10,}/s.test(message)),
      [],
    );
    // The corpus spoils most files, but not all: what is never read may say anything.
    const refused = reports.filter(({ outcome }) => outcome !== 'loaded').length;
    assert.ok(refused > count / 2 && refused < count, `${String(refused)} refused`);
  });

  it('are refused when they are cut off, wherever', () => {
    const cut = reports.filter(({ what }) => what.startsWith('only the first'));
    assert.ok(cut.length > 10);
    for (const { what, outcome } of cut) {
      assert.equal(outcome, 'bad_file', what);
    }
  });
});
