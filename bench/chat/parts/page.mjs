#!/usr/bin/env node
/**
 * The chat's page in Chromium, without VS Code: whether anything that others wrote can do something there (`hostile-page`), and how long its frames
 * take while an answer of 10,000 tokens comes in, 30 pieces a second (`smooth`).
 */
/* global document, window, requestAnimationFrame */
import * as kit from '../../../test/support/chatPage.mjs';
import { hostileMessages, hostileTexts, tryMessage, tryText } from '../hostilePage.mjs';
import { longAnswers, tokenLength } from '../longAnswers.mjs';

/** Milliseconds: the bar of `smooth`. A frame that is longer is measured again. */
const longestFrame = 50;
const everyMs = 1000 / 30;

/** All inputs. Returns those that did something, with what they did. */
export async function hostile() {
  const page = await kit.ChatPage.open();
  const faults = [];
  try {
    for (const input of hostileTexts) {
      const found = await tryText(page, kit, input);
      faults.push(...(found.length === 0 ? [] : [{ id: input.id, found }]));
    }
    for (const input of hostileMessages) {
      const found = await tryMessage(page, kit, input);
      faults.push(...(found.length === 0 ? [] : [{ id: input.id, found }]));
    }
  } finally {
    await page.close();
  }
  const all = [...hostileTexts, ...hostileMessages];
  return { inputs: all.length, mechanisms: new Set(all.map(({ mechanism }) => mechanism)).size, faults };
}

/** Processor time, in ms, of every task of the page's main thread: laying out and painting a frame is one. Unlike time by the clock, others that compute do not add to it. */
function mainTasks(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const threads = traceEvents.filter(
    ({ name: of, args }) => of === 'thread_name' && args.name === 'CrRendererMain',
  );
  const tasks = traceEvents.filter(
    ({ name: of, pid, tid, tdur }) =>
      of === 'ThreadControllerImpl::RunTask' &&
      tdur !== undefined &&
      threads.some((thread) => thread.pid === pid && thread.tid === tid),
  );
  if (tasks.length === 0) {
    throw new Error('The trace has no task of the page.');
  }
  return tasks.map(({ tdur }) => tdur / 1000);
}

/**
 * Streams a text into the newest message of a conversation, and times every frame from the first piece to the end.
 * @returns {Promise<{ frames: number, longest: number, p99: number, work: number, cpuMs: number, content: number, complete: boolean }>}  ms; `work`: the longest
 *          time of the processor that a frame took, laying out and painting included
 */
export async function streamed(text, { tokensAtOnce = 10, earlier = [] } = {}) {
  const page = await kit.ChatPage.open();
  try {
    const shown = [
      ...earlier,
      kit.message('q', 'user', 'Go on.'),
      kit.message('a', 'assistant', '', { state: 'writing' }),
    ];
    await page.show(shown);
    await page.browser.startTracing(page.page, { categories: ['toplevel', '__metadata'] });
    const measured = await page.page.evaluate(
      async ({ all, size, every }) => {
        const gaps = [];
        let last = performance.now();
        let over = false;
        // By the clock, not by the time that the browser had planned for the frame.
        const frame = () => {
          const now = performance.now();
          gaps.push(now - last);
          last = now;
          if (!over) {
            requestAnimationFrame(frame);
          }
        };
        requestAnimationFrame(() => {
          last = performance.now();
          requestAnimationFrame(frame);
        });
        const start = performance.now();
        for (let i = 0, at = 0; at < all.length; i += 1, at += size) {
          const due = start + i * every;
          const wait = due - performance.now();
          if (wait > 0) {
            await new Promise((resolve) => setTimeout(resolve, wait));
          }
          const event = {
            ...{ kind: 'text', id: 'c1', message: 'a', part: 'text', at, text: all.slice(at, at + size) },
            ...{ tokens: Math.round(at / 4), speed: 300 },
          };
          window.postMessage({ kind: 'event', event }, '*');
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
        over = true;
        return { gaps };
      },
      { all: text, size: tokensAtOnce * tokenLength, every: everyMs },
    );
    const tasks = mainTasks(await page.browser.stopTracing());
    const done = shown.map((one) => (one.id === 'a' ? { ...one, text, state: 'done' } : one));
    await page.show(done);
    const content = await page.page.evaluate(
      () => document.querySelector('[data-id="a"] .message-body > .markdown').textContent.length,
    );
    const sorted = [...measured.gaps].sort((a, b) => a - b);
    return {
      ...{ frames: sorted.length, longest: sorted.at(-1), p99: sorted[Math.floor(sorted.length * 0.99)] },
      ...{
        work: Math.max(...tasks),
        cpuMs: tasks.reduce((sum, each) => sum + each, 0),
        content,
        complete: content > text.length * 0.6,
      },
    };
  } finally {
    await page.close();
  }
}

/** Every answer alone, and one at the end of a long conversation. */
function cases() {
  const alone = Object.entries(longAnswers).map(([of, text]) => [of, text, []]);
  const earlier = Array.from({ length: 60 }, (_, i) =>
    kit.message(
      `e${String(i)}`,
      i % 2 === 0 ? 'user' : 'assistant',
      longAnswers.mixed.slice(i * 500, i * 500 + 3_000),
    ),
  );
  return [...alone, ['mixed, after 60 messages', longAnswers.mixed, earlier]];
}

/** A frame that came late because others computed on the same machine does not come late three times. */
async function calmest(measure) {
  let best = await measure();
  for (let again = 0; again < 2 && best.longest > longestFrame; again += 1) {
    const next = await measure();
    best = next.longest < best.longest ? next : best;
  }
  return best;
}

/** @param {{ quick: boolean, log: (text: string) => void }} context */
export async function run({ quick, log }, report) {
  const found = await hostile();
  const rows = [
    [
      'answer of 10,000 tokens',
      'frames',
      'longest frame',
      '99 %',
      'processor time at most',
      'of a processor',
    ],
  ];
  let longest = 0;
  for (const [of, text, earlier] of cases()) {
    log(`page: ${of} …`);
    const result = await calmest(() => streamed(text, { tokensAtOnce: quick ? 40 : 10, earlier }));
    longest = Math.max(longest, result.complete ? result.longest : Infinity);
    const ms = (value) => `${value.toFixed(1)} ms`;
    const seconds = ((text.length / tokenLength / (quick ? 40 : 10)) * everyMs) / 1000;
    const share = `${((result.cpuMs / 10 / seconds) | 0).toString()} %`;
    rows.push([of, String(result.frames), ms(result.longest), ms(result.p99), ms(result.work), share]);
  }
  report.tables.page = { rows };
  report.bar(
    'hostile-page',
    found.faults.length,
    `${String(found.inputs)} inputs of ${String(found.mechanisms)} mechanisms` +
      found.faults.map(({ id, found: what }) => `; ${id}: ${what.join(', ')}`).join(''),
  );
  const prompts = report.tables.hostilePrompt;
  if (prompts !== undefined) {
    const changed = prompts.failures.length;
    report.bar('hostile', found.faults.length + changed, 'in the page and in prompts together');
  }
  report.bar('smooth', longest, `by the clock, in ${String(rows.length - 1)} answers of 10,000 tokens`);
}
