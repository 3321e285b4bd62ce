import * as assert from 'node:assert/strict';
import { Priority, type JobState, type JobStatus } from '../../../server/src/engine';
import { countJobs } from '../../../server/src/lsp/statusReporter';

function job(priority: Priority, state: JobState): JobStatus {
  return { job: 1, priority, state, done: 0, total: 1, decoded: 0 };
}

describe('lsp: the status', () => {
  it('counts jobs by priority and state, the most urgent first, and leaves out what is not there', () => {
    assert.deepEqual(countJobs([]), []);
    const jobs = [
      job(Priority.background, 'paused'),
      job(Priority.keystroke, 'running'),
      job(Priority.chat, 'paused'),
      job(Priority.chat, 'waiting'),
      job(Priority.chat, 'waiting'),
    ];
    assert.deepEqual(countJobs(jobs), [
      { priority: 'keystroke', running: 1, paused: 0, waiting: 0 },
      { priority: 'chat', running: 0, paused: 1, waiting: 2 },
      { priority: 'background', running: 0, paused: 1, waiting: 0 },
    ]);
  });
});
