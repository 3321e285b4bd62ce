/** The templates, each with a model whose vocabulary has every family's control tokens. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conversation, engine as engineRoom, qwenVocabulary } from './product.mjs';

/** Name to source: from the folder that NIWAKI_TEMPLATES_DATA names, else ../shared/data/chat-templates. They are not part of the repository. */
export function readTemplates(root) {
  const folder = process.env.NIWAKI_TEMPLATES_DATA ?? join(root, '..', 'shared', 'data', 'chat-templates');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jinja')) : [];
  if (names.length === 0) {
    throw new Error(`There are no chat templates in ${folder}. NIWAKI_TEMPLATES_DATA names their folder.`);
  }
  return Object.fromEntries(
    names.sort().map((name) => [name.replace(/\.jinja$/, ''), readFileSync(join(folder, name), 'utf8')]),
  );
}

/** Calls `work` with the engine, the model and a way to make formats; ends both. */
export async function withModel(context, work) {
  const { familiesVocabulary, writeFamiliesModel } = qwenVocabulary();
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-chat-'));
  const path = join(folder, 'families.gguf');
  const vocabulary = familiesVocabulary();
  writeFamiliesModel(path, vocabulary);
  const engine = engineRoom().createNativeEngine({
    addonPath: context.addonPath,
    selfTestChild: context.selfTestChild,
  });
  try {
    const { model, info } = await engine.load({ path });
    const formatOf = (template) =>
      conversation().ChatFormat.of(engine, model, {
        ...info,
        metadata: { ...info.metadata, 'tokenizer.chat_template': template },
      });
    const textOf = async (id) => (id < 0 ? '' : engine.detokenize(model, [id]));
    return await work({
      ...{ engine, model, formatOf, vocabulary },
      ...{ bos: await textOf(info.bos), eos: await textOf(info.eos) },
    });
  } finally {
    await engine.dispose();
    rmSync(folder, { recursive: true });
  }
}
