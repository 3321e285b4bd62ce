/**
 * Texts that want to be more than text, in every place of a prompt where others' texts come in: none may change the special tokens or
 * anything beside itself. How many would have, had the whole prompt simply been encoded, says that the texts are worth trying.
 */
import { readTemplates, withModel } from '../formats.mjs';
import { hostilePrompts } from '../product.mjs';

export async function run(context, report) {
  const { HostileTrial, harmless, hostileTexts, places } = hostilePrompts();
  const texts = hostileTexts();
  const failures = [];
  const mechanisms = new Map();
  let tried = 0;
  await withModel(context, async ({ engine, model, formatOf, vocabulary }) => {
    const trial = new HostileTrial(engine, model, await engine.specialTokens(model));
    for (const [name, source] of Object.entries(readTemplates(context.root))) {
      const format = await formatOf(source);
      for (const place of places) {
        for (const { mechanism, text } of texts) {
          let changed;
          try {
            changed = await trial.changed(format, place, text);
          } catch (error) {
            changed = error.message;
          }
          if (changed === undefined) {
            continue;
          }
          const row = mechanisms.get(mechanism) ?? { mechanism, tried: 0, unguarded: 0, failed: 0 };
          mechanisms.set(mechanism, row);
          row.tried += 1;
          tried += 1;
          if (changed !== '') {
            row.failed += 1;
            failures.push(`${name}, ${place.name}, ${JSON.stringify(text.slice(0, 60))}: ${changed}`);
          }
          if (place.name === 'user') {
            // The same prompt, encoded as one text.
            const [usual, hostile] = await Promise.all(
              [harmless, text].map(async (words) => {
                const { messages, options } = place.with(words);
                return engine.tokenize(model, format.text(messages, options), true);
              }),
            );
            row.unguarded += (await trial.differs(usual, hostile)) === '' ? 0 : 1;
          }
        }
      }
    }
    report.tables.hostilePrompt = { rows: [...mechanisms.values()], failures, real: vocabulary.real };
  });
  report.bar(
    'hostile-prompt',
    failures.length,
    `${texts.length} texts by ${mechanisms.size} mechanisms in ${places.length} places, ${tried} prompts`,
  );
}
