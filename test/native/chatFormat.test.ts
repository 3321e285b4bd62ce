import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatFormat, type PromptMessage } from '../../server/src/conversation';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import type { EnginePort, ModelHandle, ModelInfo, TokenId } from '../../server/src/engine/port';
import { chatMl, headers, plainRoles, xmlCalls } from '../support/chatTemplates';
import { HostileTrial, hostileTexts, places } from '../support/hostilePrompts';
import { familiesVocabulary, writeFamiliesModel } from '../support/qwenVocabulary';
import { corpus } from '../support/references';
import { addonPath, needAddon } from './support';

const templates = { chatMl, xmlCalls, headers, plainRoles };

/** With Qwen's own vocabulary where it is at hand. */
describe('native: prompts, token by token', function () {
  this.timeout(120_000);
  let folder: string;
  let engine: EnginePort;
  let model: ModelHandle;
  let info: ModelInfo;

  before(async () => {
    needAddon();
    folder = mkdtempSync(join(tmpdir(), 'niwaki-format-'));
    const path = join(folder, 'families.gguf');
    writeFamiliesModel(path, familiesVocabulary());
    engine = createNativeEngine({ addonPath });
    ({ model, info } = await engine.load({ path }));
  });
  after(async () => {
    await engine.dispose();
    rmSync(folder, { recursive: true });
  });

  async function formatOf(template: string): Promise<ChatFormat> {
    const metadata = { ...info.metadata, 'tokenizer.chat_template': template };
    const format = await ChatFormat.of(engine, model, { ...info, metadata });
    assert.ok(format !== undefined);
    return format;
  }

  for (const [name, template] of Object.entries(templates)) {
    it(`are the tokens of the whole text: ${name}`, async () => {
      const format = await formatOf(template);
      let compared = 0;
      for (const entry of corpus()) {
        let text: string;
        try {
          text = format.text(entry.messages, entry);
        } catch {
          continue; // refused
        }
        const tokens = await format.render(entry.messages, entry);
        assert.equal(await engine.detokenize(model, tokens), text, entry.name);
        // A template whose roles are plain words is guarded against itself nowhere: the corpus holds none of its roles.
        assert.deepEqual(tokens, await engine.tokenize(model, text, true), entry.name);
        compared += 1;
      }
      assert.ok(compared >= 20, String(compared));
    });

    it(`let no text become a token: ${name}`, async () => {
      const format = await formatOf(template);
      const trial = new HostileTrial(engine, model, await engine.specialTokens(model));
      let tried = 0;
      for (const { text } of hostileTexts()) {
        const short = text.length > 5000 ? text.slice(-5000) : text;
        for (const place of places) {
          const changed = await trial.changed(format, place, short);
          tried += changed === undefined ? 0 : 1;
          assert.equal(changed ?? '', '', `${place.name}: ${JSON.stringify(short.slice(0, 60))}`);
        }
      }
      assert.ok(tried > 500, String(tried));
    });
  }

  it('keep the cache: what a model said is in the next prompt as it was said', async () => {
    const format = await formatOf(headers);
    const ask: PromptMessage[] = [{ role: 'user', content: 'Hello' }];
    const prompt = await format.render(ask);
    const session = await engine.openSession(model, 0);
    // In other tokens than the text would be encoded in.
    const letters = await Promise.all(
      Array.from('Good day to you', (letter) => engine.tokenize(model, letter, false)),
    );
    const say = async (tokens: readonly TokenId[]) =>
      engine.generate(
        { session, job: 1, priority: 1, tokens, maxTokens: letters.length, forced: letters.flat() },
        () => undefined,
      );
    const first = await say(prompt);
    assert.equal(first.text, 'Good day to you');
    const answer: PromptMessage = { role: 'assistant', content: first.text, tokens: first.tokens };
    const next = await format.render([...ask, answer, { role: 'user', content: 'More' }]);
    assert.deepEqual(next.slice(0, prompt.length + first.tokens.length), [...prompt, ...first.tokens]);
    const second = await say(next);
    assert.ok(second.reused >= prompt.length + first.tokens.length - 1);
    const begun = { thinking: '', text: first.text, tokens: first.tokens };
    assert.deepEqual(await format.render(ask, { begun }), [...prompt, ...first.tokens]);
    await engine.closeSession(session);
  });
});
