/** The product's own TypeScript, and what its tests share, for the parts that measure it. Nothing of it is loaded before a part asks. */
import { require as load } from 'tsx/cjs/api';

const source = (path) => load(`../../${path}`, import.meta.url);

export const conversation = () => source('server/src/conversation/index.ts');
export const engine = () => source('server/src/engine/index.ts');
export const masks = () => source('server/src/conversation/masks/index.ts');
export const grammars = () => ({
  ...source('server/src/grammar/guide.ts'),
  ...source('server/src/grammar/masks.ts'),
  ...source('server/src/grammar/vocabulary.ts'),
});
export const toolSchemas = () => source('test/unit/masks/schemas.ts').toolSchemas;
export const lspClient = () => source('test/integration/lspClient.ts');
export const chatClient = () => source('test/integration/chatClient.ts');
export const references = () => source('test/support/references.ts');
export const hostilePrompts = () => source('test/support/hostilePrompts.ts');
export const qwenVocabulary = () => source('test/support/qwenVocabulary.ts');
