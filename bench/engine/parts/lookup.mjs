/**
 * "Rename a symbol through a 200-line file": tokens per second with prompt lookup and without. The answer is given to the engine
 * token by token (teacher forcing), because the 1.7B shape's weights are random; what is drafted is still only what stands in
 * the prompt and in the answer so far. The text's ids are the embedded model's, a tokenizer trained on code.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Short, speed } from '../engines.mjs';
import { takeTurns } from '../figures.mjs';

const file = 'server/src/engine/selfTest.ts';
const [symbol, renamed] = ['verdict', 'outcome'];
const lines = 200;

async function task(engines, models, root) {
  const before = readFileSync(join(root, file), 'utf8').split('\n').slice(0, lines).join('\n');
  const after = before.replace(new RegExp(`\\b${symbol}\\b`, 'g'), renamed);
  const changes = before.split(new RegExp(`\\b${symbol}\\b`)).length - 1;
  if (changes < 5) {
    throw new Error(`${file} says "${symbol}" only ${changes} times: no task for this benchmark any more.`);
  }
  const tokenizer = await engines.oursWith({ path: models.embedded, contextSize: 64, threads: 1 });
  const ids = (text) => tokenizer.ask('tokenize', { text });
  const instruction = `\n\nRename ${symbol} to ${renamed} in this file. Here is all of it again:\n\n`;
  const found = { changes, tokens: await ids(before + instruction), answer: await ids(after) };
  await engines.close(tokenizer);
  return found;
}

export async function lookup({ engines, models, root, quick }, report) {
  const { tokens, answer, changes } = await task(engines, models, root);
  const contextSize = tokens.length + answer.length + 64;
  const ours = await engines.oursWith({ path: models.synthetic('qwen3-1.7B'), contextSize, threads: 0 });
  // Evaluates the prompt, and shows whether this engine knows what is asked.
  const probe = await ours.ask('forced', { tokens, answer: answer.slice(0, 16), lookup: {} });
  if (!probe.obeyed || probe.drafted === undefined) {
    await engines.close(ours);
    throw new Short('the engine has no lookup');
  }
  let last;
  const run = (options) => async () => {
    const result = await ours.ask('forced', { tokens, answer, ...options });
    if (!result.obeyed) {
      throw new Error('the engine said other tokens than it was given');
    }
    last = options.lookup === undefined ? last : result;
    return speed(result);
  };
  const { plain, copied } = await takeTurns(quick ? 1 : 3, {
    plain: run({}),
    copied: run({ lookup: {} }),
  });
  const ratio = copied.median / plain.median;
  report.row({
    ...{
      model: '1.7b',
      what: 'decode with lookup',
      unit: 'tok/s',
      kernels: ours.kernels,
      ours: copied.median,
    },
    ...{ oursAll: copied.all, plain: plain.median, plainAll: plain.all, ratio },
    settings: `against plain decoding, ${plain.median.toFixed(1)} tok/s`,
  });
  const { drafted, accepted, batches } = last;
  report.bar(
    'lookup',
    ratio,
    `${answer.length} tokens after ${tokens.length}, ${changes} places changed; ${batches} passes, ${accepted} of ${drafted} drafted tokens right`,
  );
}
