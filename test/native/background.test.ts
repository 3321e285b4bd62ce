import * as assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Priority } from '../../server/src/engine/port';
import { Bench } from './support';

/** Threads of this process that the system runs after all others. */
function loweredThreads(): number {
  const own = getPriority();
  return readdirSync('/proc/self/task').filter((id) => {
    let stat: string;
    try {
      stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    } catch {
      return false; // it ended while we looked
    }
    const nice = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    return nice > own;
  }).length;
}

/** A job's answer comes a moment before its thread has ended. */
async function settlesAt(count: number, message: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (loweredThreads() !== count && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(loweredThreads(), count, message);
}

/** native/src/engine/background_test.cc measures where the processor time goes. Here: which jobs it is that wait for others. */
describe('native engine: background jobs', function () {
  this.timeout(60_000);

  before(function () {
    if (process.platform !== 'linux') {
      this.skip(); // only /proc tells
    }
  });

  it('are computed by threads of lower priority, and no other jobs are', async () => {
    const before = loweredThreads();
    const bench = await Bench.open(2);
    const tokens = await bench.prompt('lowered', 300);
    const answers = [];
    for (const priority of [Priority.keystroke, Priority.chat, Priority.agent]) {
      answers.push(await bench.generate({ tokens, priority }));
      assert.equal(loweredThreads(), before, `priority ${String(priority)}`);
    }
    const other = await bench.prompt('other', 10);
    await bench.generate({ tokens: other }); // what follows is not cached
    answers.push(await bench.generate({ tokens, priority: Priority.background }));
    await settlesAt(before + 1, 'a worker of lower priority was started');
    answers.push(await bench.generate({ tokens }));
    for (const answer of answers) {
      assert.deepEqual(answer.tokens, answers[0]?.tokens);
    }
    await bench.engine.dispose();
    await settlesAt(before, 'and ended with the engine');
  });
});
