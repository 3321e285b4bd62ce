/**
 * The part "replay": recorded editing, a keystroke after the other, against the server and the engine of the product. Steps:
 *
 *   latency    in real time, in a file of 1,500 lines (latency-embedded)
 *   counts     with a fake clock, in this process: what does not depend on the machine's speed (tokens-per-char)
 *   jump       to other functions, against completions that have computed everything (jump)
 *   hour       an hour of editing, as fast as the answers come (replay-hour)
 *   hostTime   keys typed in a real VS Code, the extension host's profile taken (host-time)
 *   large      a model of the 1.7B shape (latency-1.7b)
 *
 * Each fails alone, with the bars that it owes. A full run takes some 25 minutes, --quick 5.
 */
import { prepareOurs } from '../engine/prepare.mjs';
import { pairedLoss } from '../kv/paired.mjs';
import { replayBars } from './replay/bars.mjs';
import { countReplays } from './replay/counts.mjs';
import { ownFiles } from './replay/history.mjs';
import { measureHostTime } from './replay/hostTime.mjs';
import { replayHour } from './replay/hour.mjs';
import { measureJumps } from './replay/jump.mjs';
import { measureLarge } from './replay/large.mjs';
import { byPhase, quantile } from './replay/latency.mjs';
import { LiveReplay } from './replay/live.mjs';
import { editing, fixtures, longFile } from './replay/recordings.mjs';
import { withServer } from './replay/server.mjs';

export { replayBars };

/** All of this part's. */
const tableOf = (report) => (report.tables.replay ??= {});
const ms = (value) => value.toFixed(1);
/** What the server says that it waited on purpose before it began. */
const waited = ({ why }) => why?.times.debounce ?? 0;

async function latency({ root, quick, log }, report) {
  const recording = longFile(root, quick ? 250 : 1500);
  const { requests, figures } = await withServer({}, async (client) => {
    const replay = new LiveReplay(client, recording, { longestMs: 1500 });
    log(`    ${recording.events.length} events in real time`);
    await replay.run();
    return { requests: replay.requests, figures: replay.editor.figures };
  });
  // Those that ran the engine, or would have; what was typed along is there at once and would flatter.
  const runs = requests
    .filter(({ cut, why }) => cut || why !== undefined)
    .map((request) => ({ ms: request.ms - waited(request), cut: request.cut }));
  const phases = byPhase(
    requests
      .filter(({ why }) => why !== undefined)
      .map((request) => {
        const { total, ...times } = request.why.times;
        const answer = request.ms - waited(request);
        return {
          answer,
          ...times,
          way: request.ms - total,
          computed: request.why.tokens.computed,
          tokens: request.why.tokens.all,
        };
      }),
  );
  const cut = requests.filter((request) => request.cut).length;
  tableOf(report).latency = { recording: recording.source, requests: requests.length, cut, figures, phases };
  const everyone = (share) => ms(quantile(requests, share));
  const note =
    `${runs.length} runs of ${requests.length} requests, ${cut} taken back before their answer (they count as longer than that); ` +
    `all requests, those that were typed along included: p50 ${everyone(0.5)}, p95 ${everyone(0.95)} ms; ` +
    `prompt ${ms(phases.prompt.p50)}, prefill ${ms(phases.prefill.p50)}, decode ${ms(phases.decode.p50)}, there and back ${ms(phases.way.p50)}`;
  report.bar('latency-embedded', quantile(runs, 0.5), note);
  report.bar('latency-embedded-p95', quantile(runs, 0.95));
}

async function counts({ root, parts, models, quick, log }, report) {
  const keys = quick ? 600 : 3000;
  const recordings = [...fixtures(root), editing(root, { keys }), longFile(root, keys)];
  const rows = await countReplays(parts, recordings, {
    modelPath: models.embedded,
    log: (text) => log(`    ${text}`),
  });
  tableOf(report).counts = { rows: rows.map((row, i) => ({ source: recordings[i].source, ...row })) };
  const errors = rows.flatMap((row) => row.errors);
  if (errors.length > 0) {
    throw new Error(`${errors.length} completions failed: ${errors[0]}`);
  }
  const sum = (part) => rows.reduce((total, row) => total + part(row), 0);
  const typed = sum((row) => row.typed);
  const each = rows.map((row) => `${row.title} ${(row.computed / row.typed).toFixed(2)}`).join(', ');
  report.bar(
    'tokens-per-char',
    sum((row) => row.computed) / typed,
    `${typed} characters; ${each}; in idle time ${(sum((row) => row.counters.tokensWarmed) / typed).toFixed(1)} more a character; ` +
      `first completions of files ${sum((row) => row.first)} tokens in all`,
  );
}

async function jump({ parts, models, quick, log }, report) {
  const found = await measureJumps(parts, {
    ...{ jumps: quick ? 60 : 2500, modelPath: models.embedded, log: (text) => log(`    ${text}`) },
  });
  tableOf(report).jump = found;
  report.bar(
    'jump',
    found.mean,
    `mean of ${found.jumps} jumps in files of ${found.tokens.toFixed(0)} tokens; median ${found.p50}, p95 ${found.p95}, worst ${found.worst}; ` +
      `in idle time before it ${found.warmed.toFixed(0)}`,
  );
  const signal = found.coldRight >= 20; // fewer are no signal
  const { right, onlyCold, onlyWarm } = found;
  const { loss, low, high, p } = pairedLoss({
    both: right - onlyWarm,
    onlyFirst: onlyCold,
    onlySecond: onlyWarm,
  });
  const interval =
    low === null
      ? ''
      : `95 % interval ${low.toFixed(1)} to ${high.toFixed(1)} % (sign test p = ${p.toFixed(2)}); `;
  report.bar(
    'jump-em',
    signal ? loss : null,
    `${interval}exactly right cold ${found.coldRight}, after a jump ${right}, ${onlyCold} and ${onlyWarm} of them alone; the same text ` +
      `${found.same} of ${found.jumps}${signal ? '' : '; too few right ones to say anything'}`,
  );
}

async function hour({ root, quick, log }, report) {
  const recording = editing(root, { seconds: quick ? 240 : 3600 });
  const found = await replayHour(recording, { log: (text) => log(`    ${text}`) });
  tableOf(report).hour = { source: recording.source, ...found };
  const { early, warm, end, kv, change } = found.memory;
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
  report.bar(
    'replay-hour',
    quick && found.violations.length === 0 ? null : found.violations.length,
    `${found.violations.map((text) => `**${text}**; `).join('')}${found.minutes.toFixed(0)} minutes, ${found.keys} keystrokes in ` +
      `${found.seconds.toFixed(0)} s; memory ${mib(early)} MiB at first, ${mib(warm)} when its caches were full, ${mib(end)} at the end (${(100 * change).toFixed(1)} %), ` +
      `KV caches ${mib(kv)} of it; ${found.takenBack} requests ` +
      `taken back, answered within ${ms(found.stopMs.worst)} ms; shown ${found.shown}, right ${found.right}, taken ${found.accepted}, ` +
      `characters saved ${found.saved}${quick ? '; the bar is for an hour' : ''}`,
  );
}

async function large({ root, models, quick, log }, report) {
  const [shallow, deep] = await measureLarge({
    ...{
      root,
      modelPath: models.synthetic('qwen3-1.7B'),
      keys: quick ? 8 : 24,
      log: (text) => log(`    ${text}`),
    },
    depths: quick ? [4096] : [4096, 13_312],
  });
  tableOf(report).large = { rows: [shallow, deep].filter((row) => row !== undefined) };
  const said = (row) =>
    `${row.depth} tokens deep: first token ${ms(row.firstToken)}, then ${ms(row.perToken)} each, of ${row.longCount} suggestions ${row.wholeCount} with all 24 tokens (the others at their pace); ` +
    `${row.computed} prompt tokens computed; the first sync took ${(row.firstSyncMs / 1000).toFixed(1)} s`;
  report.bar(
    'latency-1.7b',
    Math.max(shallow.firstToken, deep?.firstToken ?? 0),
    'the longer one of the depths',
  );
  report.bar('latency-1.7b-4k', shallow.whole, said(shallow));
  if (deep !== undefined) {
    report.bar('latency-1.7b-13k', deep.whole, said(deep));
  }
}

function hostTime({ root, quick }, report) {
  const files = ownFiles(root);
  const [file, other] = ['completer.ts', 'warmUp.ts'].map((name) =>
    files.find(({ path }) => path.endsWith(name)),
  );
  const found = measureHostTime({
    root,
    text: file.text,
    typed: bodyOf(other.text).slice(0, quick ? 60 : 200),
  });
  tableOf(report).hostTime = found;
  report.bar(
    'host-time',
    found.p95,
    `CPU profile of the extension host in VS Code ${found.vscode}: samples below Niwaki's bundles, ${found.keys} keys, ${found.asked} requests; ` +
      `mean ${found.mean.toFixed(2)}, median ${found.p50.toFixed(2)}, worst ${ms(found.worst)} ms`,
  );
}

/** Code without line breaks: the editor would indent. */
const bodyOf = (text) => text.slice(text.indexOf('export class')).replace(/\s+/g, ' ');

const steps = [
  [latency, ['latency-embedded', 'latency-embedded-p95']],
  [counts, ['tokens-per-char']],
  [jump, ['jump', 'jump-em']],
  [hour, ['replay-hour']],
  [hostTime, ['host-time']],
  [large, ['latency-1.7b', 'latency-1.7b-4k', 'latency-1.7b-13k']],
];

/**
 * @param {{ models: object, quick: boolean, steps?: string[], log: (text: string) => void }} context as the other benchmarks have it;
 *   `steps`: these only
 */
export async function replay(context, report) {
  const known = steps.map(([step]) => step.name);
  const wanted = context.steps ?? known;
  if (!known.some((name) => wanted.includes(name))) {
    throw new Error(`There is no such step; there are ${known.join(', ')}.`);
  }
  const parts = await prepareOurs();
  for (const [step, ids] of steps) {
    if (!wanted.includes(step.name)) {
      continue;
    }
    try {
      context.log(`  ${step.name} …`);
      await step({ ...context, root: parts.root, parts }, report);
    } catch (error) {
      report.failed('replay', ids, error instanceof Error ? error.message.split('\n')[0] : String(error));
    }
  }
}
