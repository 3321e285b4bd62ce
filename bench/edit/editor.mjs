/** The product's own code for edits over the real engine, for the parts that measure it; and files of this project to edit. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { require as load } from 'tsx/cjs/api';

const source = (path) => load(`../../${path}`, import.meta.url);

export const engineRoom = () => source('server/src/engine/index.ts');
export const random = () => source('test/support/random.ts').Random;
export const protocol = () => source('protocol/src/index.ts');
export const editRoom = () => ({
  ...source('server/src/edit/forms.ts'),
  ...source('server/src/edit/lines.ts'),
  ...source('server/src/edit/plan.ts'),
  ...source('server/src/edit/decode.ts'),
  ...source('server/src/edit/changes.ts'),
});
const conversation = () => source('server/src/conversation/index.ts');

/** ChatML: the models that are measured here have no template of their own, and the product edits with those that have. */
const template =
  "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

/** A loaded model as the product's code sees it, with a session of `most` tokens, or as many as it was made for. */
export async function withEditor({ addonPath, selfTestChild, threads }, path, most, work) {
  const { createNativeEngine, EngineSession } = engineRoom();
  const engine = createNativeEngine({ addonPath, selfTestChild });
  try {
    const { model: handle, info } = await engine.load({ path, threads });
    const metadata = { ...info.metadata, 'tokenizer.chat_template': template };
    const format = await conversation().ChatFormat.of(engine, handle, { ...info, metadata });
    const context = Math.min(most, info.contextLength);
    const model = { handle, info, kv: { context, codec: 'kv4' } };
    const session = await EngineSession.open(engine, handle, context, 'kv4');
    return await work({ engine, model, format, session });
  } finally {
    await engine.dispose();
  }
}

const languages = {
  ts: 'typescript',
  mjs: 'javascript',
  py: 'python',
  cc: 'cpp',
  h: 'cpp',
  md: 'markdown',
  json: 'json',
};

/** Texts of this project, as they are committed: { path, languageId, text }. */
export function projectFiles(root) {
  const paths = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  return paths
    .filter(
      (path) =>
        Object.hasOwn(languages, path.split('.').at(-1)) && !/package-lock|fixtures\/golden/.test(path),
    )
    .sort()
    .map((path) => ({
      path,
      languageId: languages[path.split('.').at(-1)],
      text: readFileSync(join(root, path), 'utf8'),
    }))
    .filter(({ text }) => text.length > 200 && text.length < 60_000);
}
