import * as assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { hashAndCopy } from '../../../../server/src/models';
import { sha256Of, Stage } from './support';

const never = new AbortController().signal;
const mebibyte = 2 ** 20;

describe('models: copying and hashing', function () {
  this.timeout(60_000);
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => {
    stage.end();
  });

  it('keeps nobody waiting: each piece is a little work, and others come between', async () => {
    const text = 'x'.repeat(128 * mebibyte);
    const file = await open(stage.file('big', text), 'r');
    const copy = await open(join(stage.root, 'copy'), 'w');
    const delays = monitorEventLoopDelay({ resolution: 1 });
    let pieces = 0;
    const started = performance.now();
    const before = process.cpuUsage();
    delays.enable();
    const sha256 = await hashAndCopy(file, copy, { signal: never, onProgress: () => (pieces += 1) });
    delays.disable();
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - started) / 1000;
    await Promise.all([file.close(), copy.close()]);
    assert.equal(sha256, sha256Of(text));
    // Time that was worked, not time that went by: other programs have their share of this machine.
    const workedMs = (user + system) / 1000 / pieces;
    console.log(
      `    ${(text.length / seconds / 1e9).toFixed(2)} GB/s; ${workedMs.toFixed(2)} ms of work a piece; the loop came ` +
        `${(delays.percentile(50) / 1e6).toFixed(1)} ms late at the median, ${(delays.percentile(99) / 1e6).toFixed(1)} at the 99th percentile`,
    );
    assert.ok(pieces >= 256, `${String(pieces)} pieces`);
    assert.ok(workedMs < 5, `${workedMs.toFixed(1)} ms a piece`);
  });

  it('hashes files of any length, the empty one and those of whole pieces too', async () => {
    for (const length of [0, 1, 512 * 1024, 512 * 1024 + 1, mebibyte]) {
      const text = 'y'.repeat(length);
      const file = await open(stage.file('some', text), 'r');
      const copy = await open(join(stage.root, 'copy'), 'w+');
      assert.equal(await hashAndCopy(file, copy, { signal: never }), sha256Of(text));
      assert.equal((await copy.stat()).size, length);
      await Promise.all([file.close(), copy.close()]);
    }
  });
});
