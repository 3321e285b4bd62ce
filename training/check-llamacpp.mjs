#!/usr/bin/env node
/**
 * Is an exported file what it should be? Reference vectors (export.py --reference) against llama.cpp: token ids, greedy text,
 * and the logits' differences at the end of each prompt. Needs the peer: node bench/peer/setup.mjs
 *
 *   node training/check-llamacpp.mjs models/nano.gguf test/golden/nano-reference.json
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [gguf, referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
  console.error('Usage: check-llamacpp.mjs MODEL.gguf REFERENCE.json');
  process.exit(2);
}
const reference = JSON.parse(readFileSync(referencePath, 'utf8'));
const peer = createRequire(new URL('../bench/peer/package.json', import.meta.url));
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(peer.resolve('node-llama-cpp')).href);

const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  progressLogs: false,
  logLevel: LlamaLogLevel.warn,
});
const model = await llama.loadModel({ modelPath: gguf });
const context = await model.createContext({ contextSize: 1024, threads: 1 });
const sequence = context.getSequence();
console.log(`llama.cpp ${llama.llamaCppRelease?.release}, ${model.size} bytes of weights`);

/** Largest difference of the best tokens' logits, each taken relative to the best one. NaN where llama.cpp lists too few. */
function logitDifference({ top20_ids: ids, top20_logits: logits }, probabilities) {
  const log = (id) => Math.log(probabilities.get(id));
  return Math.max(
    ...ids.slice(1).map((id, i) => Math.abs(log(id) - log(ids[0]) - (logits[i + 1] - logits[0]))),
  );
}

let different = 0;
for (const prompt of reference.prompts) {
  const sameIds = JSON.stringify(model.tokenize(prompt.text, true)) === JSON.stringify(prompt.ids);
  await sequence.clearHistory();
  const written = [];
  for await (const token of sequence.evaluate(prompt.ids, { temperature: 0, yieldEogToken: true })) {
    written.push(token);
    if (written.length >= prompt.greedy_ids.length) {
      break;
    }
  }
  const firstOther = written.findIndex((token, i) => token !== prompt.greedy_ids[i]);
  await sequence.clearHistory();
  const last = prompt.ids.length - 1;
  const ask = { generateNext: { probabilities: true, token: true, options: { temperature: 1 } } };
  const evaluated = await sequence.controlledEvaluate(
    prompt.ids.map((id, i) => (i === last ? [id, ask] : id)),
  );
  const { probabilities } = evaluated[last].next;
  const greedy =
    firstOther < 0
      ? `${written.length} greedy tokens the same`
      : `greedy text parts at token ${firstOther} (margin ${prompt.greedy_margins[firstOther]})`;
  console.log(
    `${prompt.name}: ids ${sameIds ? 'the same' : 'DIFFERENT'}; ${greedy}; ` +
      `top 20 logits differ by ${logitDifference(prompt, probabilities).toFixed(4)}`,
  );
  different += sameIds ? 0 : 1;
}
process.exit(different > 0 ? 1 : 0);
