/**
 * Prompts against those of another implementation: a corpus of conversations by each template, character for character, and token for
 * token with Qwen's vocabulary. A template that refuses a conversation must refuse it in both.
 */
import { readTemplates, withModel } from '../formats.mjs';
import { references as referenceRoom } from '../product.mjs';

/** The first places where two texts differ, for the report. */
function difference(want, got) {
  let at = 0;
  while (at < want.length && want[at] === got[at]) {
    at += 1;
  }
  const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
  return `wanted ${around(want)}, got ${around(got)}`;
}

function rendered(format, entry) {
  try {
    return { text: format.text(entry.messages, entry) };
  } catch (error) {
    return { refused: error.message };
  }
}

export async function run(context, report) {
  const { corpus, references } = referenceRoom();
  const conversations = corpus();
  const templates = readTemplates(context.root);
  const rows = [];
  const differences = [];
  let wrong = 0;
  let wrongTokens = 0;
  await withModel(context, async ({ engine, model, formatOf, vocabulary, bos, eos }) => {
    const wanted = references(templates, conversations, { bos, eos });
    for (const [name, source] of Object.entries(templates)) {
      const format = await formatOf(source);
      const row = { name, equal: 0, refused: 0, tokens: 0, tokensEqual: 0, different: 0 };
      for (const [i, entry] of conversations.entries()) {
        const want = wanted[name][i];
        const got = rendered(format, entry);
        const same =
          want.text === undefined
            ? got.refused !== undefined
            : got.text !== undefined && got.text === want.text;
        if (!same) {
          row.different += 1;
          differences.push(
            `${name}, ${entry.name}: ${difference(want.text ?? want.refused, got.text ?? got.refused)}`,
          );
        } else if (want.text === undefined) {
          row.refused += 1;
        } else {
          row.equal += 1;
          const tokens = await format.render(entry.messages, entry);
          const whole = await engine.tokenize(model, want.text, true);
          row.tokens += whole.length;
          if (tokens.join() === whole.join()) {
            row.tokensEqual += 1;
          } else {
            wrongTokens += 1;
            differences.push(`${name}, ${entry.name}: other tokens`);
          }
        }
      }
      wrong += row.different;
      rows.push(row);
    }
    report.tables.render = { rows, conversations: conversations.length, differences, real: vocabulary.real };
    const vocabularyName = vocabulary.real
      ? "Qwen's vocabulary"
      : 'a synthetic vocabulary, Qwen’s is not at hand';
    const equal = rows.reduce((sum, row) => sum + row.equal, 0);
    const refused = rows.reduce((sum, row) => sum + row.refused, 0);
    report.bar('render', wrong, `${equal} equal, ${refused} refused by both, ${rows.length} templates`);
    report.bar('render-conversations', conversations.length);
    if (vocabulary.real || wrongTokens > 0) {
      const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
      report.bar('render-tokens', wrongTokens, `${equal} prompts, ${tokens} tokens, ${vocabularyName}`);
    } else {
      report.note('render-tokens needs the folder that NIWAKI_TOKENIZER_DATA names.');
    }
  });
}
