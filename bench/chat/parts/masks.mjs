/**
 * Tool calls under masks: whether all end, parse and are valid, whatever the model is and however few tokens it gets; and what masks
 * cost, in the worker and in how much slower an answer is.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trial, whatIsWrong } from '../maskTools.mjs';
import { engine as engineRoom, grammars, masks as masksRoom } from '../product.mjs';

const calls = { embedded: 200, random: 50 };
const chat = 1; // Priority.chat
let lastJob = 0;
const newJob = () => (lastJob += 1);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const rank = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;

async function withEngine({ addonPath, selfTestChild, threads }, path, context, work) {
  const engine = engineRoom().createNativeEngine({ addonPath, selfTestChild });
  try {
    const { model, info } = await engine.load({ path, threads });
    const session = await engine.openSession(model, context, 'kv4');
    const ask = async (prompt, more) => {
      const tokens = await engine.tokenize(model, prompt, false);
      return engine.generate({ session, job: newJob(), priority: chat, tokens, ...more }, () => undefined);
    };
    return await work({ engine, model, info, ask });
  } finally {
    await engine.dispose();
  }
}

/** The fewest tokens that are enough: an answer of one token is refused with that number. */
async function leastTokens(ask, constraint) {
  try {
    await ask('x', { maxTokens: 1, constraint });
  } catch (error) {
    return Number(/takes (\d+) tokens at least/.exec(error.message)?.[1]);
  }
  return 1;
}

async function makeCalls(context, path, count, log) {
  return withEngine(context, path, 2048, async ({ ask }) => {
    const wrong = [];
    const said = [];
    const start = performance.now();
    let [tokens, forced, waitMs] = [0, 0, 0];
    const byBudget = new Map();
    for (let i = 0; i < count; i += 1) {
      const call = trial(i);
      const constraint = { grammar: call.grammar };
      const least = await leastTokens(ask, constraint);
      const maxTokens = call.budget.of(least);
      const { sampling, lookup } = call;
      let problem;
      try {
        const answer = await ask(call.prompt, { maxTokens, constraint, sampling, ...(lookup && { lookup }) });
        problem = whatIsWrong(call, answer, maxTokens, answer.tokens);
        tokens += answer.tokens.length;
        forced += answer.guided.forced;
        waitMs += answer.guided.waitMs;
        said.push({ i, maxTokens, tokens: answer.tokens });
      } catch (error) {
        problem = error.message;
      }
      if (problem !== undefined) {
        wrong.push(
          `call ${i} (${call.tools.map(({ name }) => name).join(', ')}; ${call.budget.name}): ${problem}`,
        );
      }
      const row = byBudget.get(call.budget.name) ?? { calls: 0, right: 0 };
      byBudget.set(call.budget.name, {
        calls: row.calls + 1,
        right: row.right + (problem === undefined ? 1 : 0),
      });
      if (i % 10 === 9) {
        log(`  ${i + 1} calls, ${wrong.length} wrong, ${((performance.now() - start) / 1000).toFixed(0)} s`);
      }
    }
    return {
      wrong,
      said,
      tokens,
      forced,
      waitMs,
      count,
      right: count - wrong.length,
      byBudget: [...byBudget],
    };
  });
}

/** What the worker does, done here for the tokens that were said: milliseconds for each step. */
function timeSteps(vocabulary, tokenize, said) {
  const { Guide, Masks } = grammars();
  const times = [];
  for (const { i, maxTokens, tokens } of said) {
    const made = performance.now();
    const all = new Masks(trial(i).grammar, vocabulary);
    const guide = new Guide(all, { tokenize, jump: false });
    const grammarMs = performance.now() - made;
    const begun = performance.now();
    if (guide.begin(maxTokens) === undefined) {
      continue; // with this vocabulary the call takes more tokens
    }
    times.push({ ms: performance.now() - begun, grammarMs });
    for (const token of tokens) {
      const start = performance.now();
      guide.tell([token], []);
      times.push({ ms: performance.now() - start });
    }
  }
  return times;
}

/** Qwen's own tokens, where they are (docs/MODELS.md); undefined elsewhere. */
function qwenTokens(root) {
  const folder = process.env.NIWAKI_TOKENIZER_DATA ?? join(root, '..', 'shared', 'data', 'tokenizer');
  const path = join(folder, 'qwen.tiktoken');
  if (!existsSync(path)) {
    return undefined;
  }
  const tokens = readFileSync(path, 'latin1')
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line.split(' ')[0], 'base64'));
  let end = 0;
  const ends = Uint32Array.from(tokens, (bytes) => (end += bytes.length));
  return { bytes: Buffer.concat(tokens), ends, control: new Uint8Array(tokens.length) };
}

/** The calls that were made, in the fewest tokens of another vocabulary. */
function retold(vocabulary, said, textOf) {
  return said.map(({ i, tokens }) => ({
    i,
    maxTokens: 4096,
    tokens: vocabulary.fewest(Buffer.from(textOf(tokens))) ?? [],
  }));
}

async function cost(context, path, said, report) {
  const { Vocabulary } = grammars();
  const { jsonSchemaGrammar } = masksRoom();
  return withEngine(context, path, 4096, async ({ engine, model, info, ask }) => {
    const texts = new Map();
    for (const { tokens } of said) {
      texts.set(tokens, await engine.detokenize(model, tokens));
    }
    const own = qwenTokens(context.root);
    const rows = [];
    if (own !== undefined) {
      const start = performance.now();
      const vocabulary = new Vocabulary(own);
      const vocabularyMs = performance.now() - start;
      const calls = retold(vocabulary, said, (tokens) => texts.get(tokens));
      const times = timeSteps(vocabulary, () => [], calls);
      const grammarTimes = times.flatMap(({ grammarMs }) => grammarMs ?? []);
      const all = times.map(({ ms }) => ms);
      rows.push({
        ...{ vocabulary: vocabulary.size, vocabularyMs, grammarMs: median(grammarTimes), steps: all.length },
        ...{
          p50: median(all),
          p95: rank(all, 0.95),
          most: Math.max(...all),
          mean: all.reduce((a, b) => a + b, 0) / all.length,
        },
      });
    }
    // The same number of tokens with masks and without, in turns: a long string, whose masks are the largest.
    const grammar = jsonSchemaGrammar({ type: 'string' });
    const count = context.quick ? 32 : 96;
    const sampling = { temperature: 0.8, topP: 0.85, topK: 20, banned: [info.eos] };
    const pairs = [];
    for (let round = 0; round < (context.quick ? 3 : 9) + 1; round += 1) {
      const prompt = 'Write a long text.\n';
      const seeded = { ...sampling, seed: round };
      const bare = await ask(prompt, { maxTokens: count, sampling: seeded });
      const masked = await ask(prompt, { maxTokens: count, sampling: seeded, constraint: { grammar } });
      if (round > 0) {
        pairs.push({
          bare: bare.decodeMs / bare.tokens.length,
          masked: masked.decodeMs / masked.tokens.length,
          wait: masked.guided.waitMs / masked.tokens.length,
        });
      }
    }
    const added = median(pairs.map(({ bare, masked }) => masked - bare));
    report.tables.maskCost = {
      rows,
      pairs: {
        rounds: pairs.length,
        bare: median(pairs.map(({ bare }) => bare)),
        masked: median(pairs.map(({ masked }) => masked)),
        wait: median(pairs.map(({ wait }) => wait)),
        added,
      },
    };
    const worker =
      rows[0] === undefined
        ? ''
        : `; the worker takes ${rows[0].p50.toFixed(2)} ms (95 %: ${rows[0].p95.toFixed(2)}) a mask`;
    report.bar('mask-cost', added, `vocabulary of ${info.vocabSize}${worker}`);
  });
}

export async function run(context, report) {
  const share = context.quick ? 0.2 : 1;
  const embedded = await makeCalls(context, context.models.embedded, calls.embedded * share, context.log);
  const path = context.models.synthetic('qwen3-1.7B');
  const random = await makeCalls(context, path, calls.random * share, context.log);
  const rows = [
    { model: 'embedded', ...embedded },
    { model: 'weights at random, 1.7B shape', ...random },
  ].map(({ model, wrong, count, right, tokens, forced, waitMs, byBudget }) => ({
    ...{ model, wrong, count, right, tokens, forced, waitMs, byBudget },
  }));
  report.tables.masks = { rows, wrong: [...embedded.wrong, ...random.wrong] };
  const right = (embedded.right + random.right) / share;
  report.bar('masks', right, `${embedded.right} of ${embedded.count} and ${random.right} of ${random.count}`);
  await cost(context, path, random.said, report);
}
