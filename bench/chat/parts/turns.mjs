/**
 * What of a conversation is computed twice: a real server is talked to, with random weights, Qwen's vocabulary where it is at hand, and each
 * template. A further question may compute itself alone (what was said before is read ahead while nobody waits), another answer nothing, an
 * edited question itself alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTemplates } from '../formats.mjs';
import { chatClient, lspClient, qwenVocabulary } from '../product.mjs';

/** Tokens that a prompt's last one costs, for its logits, and those that may join otherwise where two texts meet. */
const seam = 2;
/** The longest empty thought that a template shows before an answer that is yet to come, and not before one that is done. */
const emptyThought = 6;
const patienceMs = 60_000;

/** Until nothing has been computed for a while: what is read ahead begins when an answer has ended. */
async function idle(client) {
  let quiet = 0;
  for (const end = Date.now() + patienceMs; quiet < 5 && Date.now() < end; await sleep(50)) {
    const { jobs } = await client.status();
    quiet = jobs.length === 0 ? quiet + 1 : 0;
  }
}

function lastOf({ shown }) {
  return shown.at(-1);
}

/** Turns of one conversation, each with what it computed and the most that it may have. */
async function converse(client, chat, tokens) {
  const turns = [];
  const note = (name, conversation, most) => {
    const { evaluatedTokens, reusedTokens } = lastOf(conversation).figures;
    turns.push({ name, prompt: evaluatedTokens + reusedTokens, evaluated: evaluatedTokens, most });
  };
  /** Tokens of the conversation with its answer. */
  const length = (conversation) => {
    const { evaluatedTokens, reusedTokens, answerTokens } = lastOf(conversation).figures;
    return evaluatedTokens + reusedTokens + answerTokens;
  };
  /** What a question behind `before` may compute: what the prompt is longer, and where it joins. */
  const most = (before, after) => {
    const { evaluatedTokens, reusedTokens } = lastOf(after).figures;
    return Math.max(0, evaluatedTokens + reusedTokens - length(before)) + emptyThought + seam;
  };
  const text = 'Tell me what the following function does, and why it is written in this way. '.repeat(12);
  const first = await chat.say(text, tokens);
  await idle(client);
  const second = await chat.say('And how would you test it? '.repeat(3), tokens, {
    conversation: first.id,
    after: lastOf(first).id,
  });
  note('a second question', second, most(first, second));
  await idle(client);
  const third = await chat.say('Write one of these tests.', tokens, {
    conversation: first.id,
    after: lastOf(second).id,
  });
  note('a third question', third, most(second, third));
  const from = chat.events.length;
  await chat.regenerate(first.id, lastOf(third).id);
  note('another answer', await chat.stopAfter(first.id, tokens, from), 1);
  const edited = await chat.say('Or say what is wrong with it.', tokens, {
    conversation: first.id,
    after: lastOf(second).id,
  });
  note('the third question edited', edited, most(second, edited));
  const early = await chat.say('What is it called?', tokens, {
    conversation: first.id,
    after: lastOf(first).id,
  });
  note('the second question edited', early, most(first, early));
  return turns;
}

export async function run(context, report) {
  const { writeFamiliesModel, familiesVocabulary } = qwenVocabulary();
  const { LspClient, settings } = lspClient();
  const { ChatClient } = chatClient();
  const templates = readTemplates(context.root);
  const vocabulary = familiesVocabulary();
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-turns-'));
  const staying = setInterval(() => undefined, 60_000); // the tests' client does not keep its process alive
  const rows = [];
  try {
    for (const [name, template] of Object.entries(templates)) {
      context.log(`turns: ${name}`);
      const path = join(folder, `${name}.gguf`);
      writeFamiliesModel(path, vocabulary, { 'tokenizer.chat_template': { string: template } });
      const client = await LspClient.start({
        settings: { ...settings, modelPath: path },
        storagePath: join(folder, name),
        calibrateAfterSeconds: 3_600,
        probeAfterSeconds: 3_600,
      });
      const turns = await converse(client, new ChatClient(client), context.quick ? 40 : 150);
      rows.push(...turns.map((turn) => ({ template: name, ...turn })));
      await Promise.race([client.stop(), sleep(5_000)]);
      client.child.kill('SIGKILL');
      rmSync(path);
    }
  } finally {
    clearInterval(staying);
    rmSync(folder, { recursive: true, force: true });
  }
  report.tables.turns = { rows, real: vocabulary.real };
  const over = rows.filter(({ evaluated, most }) => evaluated > most);
  const total = (key) => rows.reduce((sum, row) => sum + row[key], 0);
  report.bar(
    'turns',
    over.length,
    `${rows.length} turns: ${total('evaluated')} of ${total('prompt')} prompt tokens computed`,
  );
}
