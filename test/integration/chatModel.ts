/**
 * A model that can be talked to, for tests: random weights, a vocabulary of its own, and a chat template in ChatML's form. The vocabulary is as
 * large as the real ones, so that the model hardly ever says of itself that it has done.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shapes, writeGguf } from '../support/ggufWriter';

export const chatMl =
  "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

export interface ChatModelFile {
  readonly path: string;
  remove(): void;
}

export function writeChatModel({ template = chatMl, context = 8_192 } = {}): ChatModelFile {
  const folder = mkdtempSync(join(tmpdir(), 'niwaki-chat-model-'));
  const path = join(folder, 'talks.gguf');
  writeGguf(path, {
    shape: { ...shapes.tiny, context, vocabulary: 151_669, tied: true },
    name: 'Talks',
    metadata: { 'tokenizer.chat_template': template === '' ? undefined : { string: template } },
  });
  return {
    path,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
