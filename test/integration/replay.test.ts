/** Recorded editing against the built server: no key without an answer, no error, and hardly a token more than was typed. */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRecording } from '../../bench/completion/replay/format.mjs';
import { LiveReplay } from '../../bench/completion/replay/live.mjs';
import { LspClient, root } from './lspClient';

/** Events of a recording; a test has not the time for all. */
const most = 200;

describe('integration: recorded editing', function () {
  this.timeout(60_000);

  for (const name of ['changes', 'fill-in', 'new-file']) {
    it(`${name}: every request is answered, nothing fails, and little is computed for a key`, async () => {
      const path = join(root, 'test', 'fixtures', 'recordings', `${name}.jsonl`);
      const whole = readRecording(readFileSync(path, 'utf8'));
      const recording = { ...whole, events: whole.events.slice(0, most) };
      const client = await LspClient.start();
      const errors: string[] = [];
      client.connection.onNotification('window/logMessage', (log: { type: number; message: string }) => {
        if (log.type === 1) {
          errors.push(log.message);
        }
      });
      await client.ready();
      const replay = new LiveReplay(client, recording, { realTime: false });
      await replay.run();
      assert.deepEqual(errors, []);
      const { keys, typed, shown } = replay.editor.figures;
      assert.ok(replay.requests.length >= 100, `${String(replay.requests.length)} requests`);
      assert.ok(replay.requests.every(({ ms }) => ms !== undefined));
      assert.ok(replay.requests.some(({ cut }) => cut));
      // Once a file has been read, and but for where the cursor goes elsewhere.
      const computed = replay.requests.flatMap(({ why }) => (why === undefined ? [] : [why.tokens.computed]));
      const asTyped = computed.filter((tokens) => tokens <= 64);
      const tokens = asTyped.reduce((sum, one) => sum + one, 0);
      console.log(
        `      ${String(keys)} keys, ${String(replay.requests.length)} requests, ${String(shown)} shown, ` +
          `${(tokens / typed).toFixed(2)} tokens a character`,
      );
      assert.ok(tokens / typed <= 3, `${String(tokens)} tokens for ${String(typed)} characters`);
      assert.ok(
        computed.length - asTyped.length <= 12,
        `${String(computed.length - asTyped.length)} long prompts`,
      );
      assert.deepEqual((await client.until('at rest', ({ jobs }) => jobs.length === 0)).jobs, []);
      await client.stop();
    });
  }
});
